import type { Canary, CanaryAnalysis, CanaryCapacity } from "#api";
import { type AutoscalerModel, plainCanary, type Scenario } from "#simulator";

/** Six ways in which traffic and pods come apart. Source: peers 2a and 2g (S1 to S5, S13, S15, S17). */

const MINUTE_MS = 60_000;
/** A pod serves 100 requests per second; its autoscaler gives it 70. */
const REQUESTS_PER_POD = 100;
const TARGET_PER_POD = 70;
const RELEASE_AT_MS = 10 * MINUTE_MS;

const autoscaler: AutoscalerModel = {
  minCount: 2,
  maxCount: 30,
  targetPerPod: TARGET_PER_POD,
  // Scrape 15 s, window 30 s, evaluation: as a Prometheus trigger sees it.
  metricsDelayMs: 15_000,
};

/** What differs from release to release. */
interface Release {
  readonly name: string;
  readonly minutes: number;
  readonly analysis: Partial<CanaryAnalysis>;
  readonly rateAt: (atMs: number) => number;
  readonly podStartMs?: number;
  readonly errorRateAt?: (sinceReleaseMs: number) => number;
  readonly isDownAt?: (atMs: number) => boolean;
}

const steady = (rate: number) => (): number => rate;

const releases: readonly Release[] = [
  {
    name: "herd at promotion",
    minutes: 40,
    // The primary's autoscaler has trimmed it by the time that all traffic comes back at once.
    analysis: { interval: "2m", stepWeights: [20, 40, 60, 80], maxWeight: 80 },
    rateAt: steady(1000),
  },
  {
    name: "late failure, way back",
    minutes: 45,
    analysis: { interval: "2m", stepWeights: [20, 40, 60, 80, 90], maxWeight: 90, threshold: 2 },
    rateAt: steady(1000),
    // It begins to fail when it has 90% of the traffic.
    errorRateAt: (sinceMs) => (sinceMs > 11 * MINUTE_MS ? 0.05 : 0),
  },
  {
    name: "release at peak",
    minutes: 35,
    analysis: { interval: "1m", stepWeight: 25, maxWeight: 75 },
    rateAt: (atMs) => 1200 + 600 * bump(atMs, RELEASE_AT_MS + 4 * MINUTE_MS, 6 * MINUTE_MS),
  },
  {
    name: "diurnal",
    minutes: 150,
    analysis: { interval: "10m", stepWeight: 20, maxWeight: 60 },
    rateAt: (atMs) => 900 + 600 * Math.sin((2 * Math.PI * atMs) / (120 * MINUTE_MS)),
  },
  {
    name: "slow pod start",
    minutes: 30,
    analysis: { interval: "1m", stepWeights: [50], maxWeight: 50 },
    rateAt: steady(1000),
    podStartMs: 30_000,
  },
  {
    name: "scaler outage",
    minutes: 40,
    analysis: { interval: "1m", stepWeights: [20, 40, 60], maxWeight: 60 },
    rateAt: steady(1000),
    isDownAt: (atMs) => atMs >= RELEASE_AT_MS && atMs < RELEASE_AT_MS + 20 * MINUTE_MS,
  },
];

/** A smooth rise and fall of height 1 around a moment. */
function bump(atMs: number, centreMs: number, widthMs: number): number {
  return Math.exp(-(((atMs - centreMs) / widthMs) ** 2));
}

/** The scenarios with a coupling; everything else is the same. */
export function scenariosWith(coupling: NonNullable<CanaryCapacity["coupling"]>): readonly Scenario[] {
  return releases.map((release) => ({
    name: release.name,
    canary: canaryFor(release, coupling),
    durationMs: release.minutes * MINUTE_MS,
    releaseAtMs: RELEASE_AT_MS,
    rateAt: release.rateAt,
    replicaCount: Math.ceil(release.rateAt(0) / TARGET_PER_POD),
    app: {
      requestsPerPod: REQUESTS_PER_POD,
      podStartMs: release.podStartMs ?? 8000,
      ...(release.errorRateAt === undefined ? {} : { errorRateAt: release.errorRateAt }),
    },
    autoscaler: { ...autoscaler, ...(release.isDownAt === undefined ? {} : { isDownAt: release.isDownAt }) },
  }));
}

function canaryFor({ analysis }: Release, coupling: NonNullable<CanaryCapacity["coupling"]>): Canary {
  const canary = plainCanary({
    interval: "1m",
    threshold: 5,
    metrics: [{ name: "request-success-rate", thresholdRange: { min: 99 } }],
    ...analysis,
  });
  return { ...canary, spec: { ...canary.spec, capacity: { coupling } } };
}

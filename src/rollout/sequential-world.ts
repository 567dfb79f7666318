import type { CanaryAnalysis, CanaryMetric } from "#api";
import { type Random, seededRandom } from "#base";
import type { LatencyHistogram } from "#stats";
import type { Decision } from "./decision.ts";
import type { MetricHistory, MetricSamples, Samples, SamplesQuestion } from "./observation.ts";
import { calmLook, lookAt, newWorld, type Plan, type World } from "./world.ts";

/** Whole runs of a sequential analysis against a made-up service with seeded chance, for tests. */

/** How a service behaves; times are since the first traffic of the canary. */
export interface Service {
  readonly requestsPerSecond: number;
  /** Bad rates, 0 to 1. */
  readonly primaryErrors: (sinceMs: number) => number;
  readonly canaryErrors: (sinceMs: number) => number;
  /** Factor on the canary's latency. */
  readonly slower: number;
}

export const healthy: Service = {
  requestsPerSecond: 100,
  primaryErrors: () => 0.005,
  canaryErrors: () => 0.005,
  slower: 1,
};

export const ERRORS: CanaryMetric = { name: "request-success-rate", interval: "1m", thresholdRange: { min: 99 } };
export const LATENCY: CanaryMetric = { name: "request-duration", interval: "1m", thresholdRange: { max: 500 } };

const BOUNDS_MS = [0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000];

export const sequential: Partial<CanaryAnalysis> = {
  method: "sequential",
  interval: "30s",
  stepWeight: 0,
  stepWeights: [1, 5, 10, 25, 50],
  metrics: [ERRORS, LATENCY],
};

/** What the samples of a tick were, to be given again. */
export type Recording = Map<number, Samples>;

export interface Trip {
  readonly decisions: readonly Decision[];
  readonly last: Decision;
  readonly world: World;
  readonly recording: Recording;
  /** Requests that failed on the canary beyond the primary's rate, and the largest weight it had. */
  readonly maxWeight: number;
  readonly seconds: number;
}

export interface TripOptions {
  readonly service: Service;
  readonly seed: number;
  readonly plan?: Plan;
  readonly lookCount?: number;
  /** Samples to give instead of drawn ones. */
  readonly replayed?: Recording;
  /** What becomes of the samples on their way, and what happens before a look. */
  readonly tamper?: (samples: Samples, lookIndex: number) => Samples;
  readonly before?: (world: World, lookIndex: number) => void;
}

const TICK_MS = 10_000;

/** Releases a revision, looking every ten seconds, until the run is over. */
export function release(options: TripOptions): Trip {
  const plan = options.plan ?? { analysis: sequential, spec: {} };
  const world = booted(plan);
  const random = seededRandom(options.seed);
  const recording: Recording = new Map();
  const decisions: Decision[] = [];
  let firstTrafficMs: number | undefined;
  let maxWeight = 0;
  const startMs = world.nowMs;
  for (let index = 0; index < (options.lookCount ?? 400); index++) {
    options.before?.(world, index);
    const sample = (question: SamplesQuestion, seen: World): Samples => {
      if ((seen.routes?.canaryWeight ?? 0) > 0 || seen.routes?.isMirrored === true) firstTrafficMs ??= seen.nowMs;
      const drawn =
        options.replayed === undefined
          ? drawSamples(question, {
              seen,
              random,
              service: options.service,
              firstTrafficMs: firstTrafficMs ?? seen.nowMs,
              hasLatency: plan.analysis.metrics?.includes(LATENCY) === true,
              isMatched: plan.analysis.match !== undefined,
            })
          : (options.replayed.get(index) ?? { untilMs: undefined, metrics: [] });
      recording.set(index, drawn);
      return options.tamper?.(drawn, index) ?? drawn;
    };
    const { decision } = lookAt(world, { ...calmLook, afterMs: TICK_MS, sample }, { plan, before: world });
    // What is kept is what a status in a cluster keeps.
    world.status = JSON.parse(JSON.stringify(world.status)) as World["status"];
    decisions.push(decision);
    maxWeight = Math.max(maxWeight, decision.status.phase === "Progressing" ? decision.status.canaryWeight : 0);
    if (decision.status.phase !== "Progressing" && decision.status.phase !== "WaitingPromotion") break;
  }
  const last = decisions.at(-1);
  if (last === undefined) throw new Error("a release has a look");
  return { decisions, last, world, recording, maxWeight, seconds: (world.nowMs - startMs) / 1000 };
}

function booted(plan: Plan): World {
  const world = newWorld();
  for (let i = 0; i < 20; i++) if (lookAt(world, calmLook, { plan, before: world }).decision.label === "steady") break;
  world.hash = "s-b";
  return world;
}

interface Draw {
  readonly seen: World;
  readonly random: Random;
  readonly service: Service;
  readonly firstTrafficMs: number;
  readonly hasLatency: boolean;
  /** Whether the canary gets the requests that match: one in five. */
  readonly isMatched: boolean;
}

/** Requests of an interval, each with its own chance. */
function drawSamples({ afterMs, needsHistory }: SamplesQuestion, draw: Draw): Samples {
  const { seen, random, service, firstTrafficMs, hasLatency, isMatched } = draw;
  const { canaryWeight = 0, isMirrored = false } = seen.routes ?? {};
  const share = (isMirrored ? 50 : isMatched ? canaryWeight / 5 : canaryWeight) / 100;
  const count = Math.round((service.requestsPerSecond * (seen.nowMs - (afterMs ?? seen.nowMs))) / 1000);
  const arms = { canary: emptyCopy(), primary: emptyCopy() };
  const sinceMs = seen.nowMs - firstTrafficMs;
  const rates = { canary: service.canaryErrors(sinceMs), primary: service.primaryErrors(sinceMs) };
  for (let request = 0; request < count; request++) {
    const arm = random.next() < share ? "canary" : "primary";
    serve(arms[arm], { random, badRate: rates[arm], slower: arm === "canary" ? service.slower : 1, hasLatency });
  }
  const { canary, primary } = arms;
  const metrics: MetricSamples[] = [
    {
      name: ERRORS.name,
      kind: "counts",
      query: "errors()",
      arms: { canary: counts(canary), primary: counts(primary) },
    },
  ];
  if (hasLatency)
    metrics.push({ name: LATENCY.name, kind: "latency", canary: canary.latency, primary: primary.latency });
  return {
    untilMs: seen.nowMs,
    // The first look only learns where counting begins.
    metrics: afterMs === undefined ? metrics.map(beginning) : metrics,
    ...(needsHistory ? { history: drawHistory(draw) } : {}),
  };
}

function beginning({ name }: MetricSamples): MetricSamples {
  return { name, kind: "missing", reason: "waiting", message: "counting begins now" };
}

function drawHistory({ random, service, hasLatency }: Draw): MetricHistory[] {
  const past = emptyCopy();
  for (let request = 0; request < 20_000; request++)
    serve(past, { random, badRate: service.primaryErrors(0), slower: 1, hasLatency });
  const errors = { name: ERRORS.name, dispersions: [1], counts: counts(past) };
  if (!hasLatency) return [errors];
  return [errors, { name: LATENCY.name, dispersions: BOUNDS_MS.map(() => 1), histogram: past.latency }];
}

interface Copy {
  bad: number;
  latency: LatencyHistogram & { above: number[]; total: number };
}

function emptyCopy(): Copy {
  return { bad: 0, latency: { boundsMs: BOUNDS_MS, above: BOUNDS_MS.map(() => 0), total: 0 } };
}

function counts({ bad, latency }: Copy): { total: number; bad: number } {
  return { total: latency.total, bad };
}

interface Serving {
  readonly random: Random;
  readonly badRate: number;
  readonly slower: number;
  readonly hasLatency: boolean;
}

/** Median 40 ms, sigma 0.8. Source: statistics reference 5.1. */
function serve(copy: Copy, { random, badRate, slower, hasLatency }: Serving): void {
  copy.latency.total += 1;
  if (random.next() < badRate) copy.bad += 1;
  if (!hasLatency) return;
  const normal = Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
  const ms = 40 * slower * Math.exp(0.8 * normal);
  for (let index = 0; index < BOUNDS_MS.length && ms > (BOUNDS_MS[index] ?? 0); index++)
    copy.latency.above[index] = (copy.latency.above[index] ?? 0) + 1;
}

import { expect, test } from "vitest";
import type { Decision } from "#rollout";
import type { Judge } from "../peers/index.ts";
import { plainCanary } from "../plain-canary.ts";
import { drawHistory, type PrimaryHistory, type TrafficPlan } from "../traffic/index.ts";
import { runTrial, type Trial } from "../trials/index.ts";
import { DecideJudge } from "./decide-judge.ts";
import type { Environment } from "./environment.ts";

const canary = plainCanary({
  method: "sequential",
  interval: "30s",
  stepWeights: [1, 2, 5, 10, 25, 50],
  metrics: [{ name: "request-success-rate" }, { name: "request-duration" }],
});
const calm: TrafficPlan = {
  requestsPerSecond: 1000,
  errorRate: 0.002,
  noise: "iid",
  load: "flat",
  canaryFaults: [],
  sharedFaults: [],
};
const history = drawHistory(calm, 1);
const loud: Partial<TrafficPlan> = { canaryFaults: [{ kind: "errors", share: 0.1 }] };

interface Options {
  readonly plan?: Partial<TrafficPlan>;
  readonly environment?: Environment;
  readonly past?: PrimaryHistory;
  readonly seed?: number;
}

function trialOf({
  plan,
  environment = {},
  past = history,
  seed = 1,
}: Options): Trial & { readonly labels: Set<string> } {
  const judge = new DecideJudge({ canary, history: past, environment, seed, stepMs: 10_000 });
  const labels = new Set<string>();
  const watched = watchedBy(judge, () => labels.add(judge.release.lastDecision?.label ?? ""));
  const options = { plan: { ...calm, ...plan }, seed, stepMs: 10_000, horizonMs: 3_600_000 };
  return { ...runTrial(watched, options), labels };
}

/** The judge, with something that looks at it after each step. */
function watchedBy(judge: DecideJudge, look: () => void): Judge {
  const watched: Judge = {
    get weightPercent() {
      return judge.weightPercent;
    },
    get verdict() {
      return judge.verdict;
    },
    after(...step) {
      judge.after(...step);
      look();
      return watched;
    },
  };
  return watched;
}

test("DecideJudge, sequential: a healthy release is promoted by evidence, a loud one stopped at the first weights", () => {
  const good = trialOf({});
  expect(good).toMatchObject({ verdict: "promoted", maxWeightPercent: 50 });
  expect(good.endedMs).toBeLessThan(900_000);
  const bad = trialOf({ plan: loud });
  expect(bad).toMatchObject({ verdict: "rolled-back", maxWeightPercent: 1 });
  expect(bad.labels).toContain("rollback-evidence");
});

test("DecideJudge, sequential: a status that another process read back, and an explanation read late, are the same release", () => {
  const plans: Partial<TrafficPlan>[] = [
    {},
    loud,
    { requestsPerSecond: 20, noise: "burst" },
    { canaryFaults: [{ kind: "latency", factor: 1.5 }] },
    { sharedFaults: [{ kind: "errors", share: 0.05, fromMs: 60_000, untilMs: 200_000 }] },
  ];
  const labels = new Set<string>();
  for (const [seed, changes] of plans.entries()) {
    const plan = { ...calm, ...changes };
    const kept = looksOf({ plan, seed, isReadBack: false });
    const readBack = looksOf({ plan, seed, isReadBack: true });
    expect(kept.map(toldOf)).toEqual(readBack);
    for (const { label } of kept) labels.add(label);
  }
  for (const label of ["collect", "advance", "promote", "rollback-evidence", "hold-suspicious"])
    expect(labels).toContain(label);
});

const toldOf = ({ explanation, ...decision }: Decision) => ({ ...decision, explanation });

/** The decisions of a release; with `isReadBack` each is explained at once, and its status goes through JSON. */
function looksOf(of: { readonly plan: TrafficPlan; readonly seed: number; readonly isReadBack: boolean }): Decision[] {
  const { plan, seed, isReadBack } = of;
  const judge = new DecideJudge({ canary, history, environment: {}, seed, stepMs: 10_000 });
  const decisions: Decision[] = [];
  const watched = watchedBy(judge, () => {
    const { release } = judge;
    const { lastDecision } = release;
    if (lastDecision === undefined || lastDecision === decisions.at(-1)) return;
    decisions.push(isReadBack ? toldOf(lastDecision) : lastDecision);
    if (isReadBack) release.status = JSON.parse(JSON.stringify(release.status)) as typeof release.status;
  });
  runTrial(watched, { plan, seed, stepMs: 10_000, horizonMs: 3_600_000 });
  return decisions;
}

test("DecideJudge, sequential: an incident of both copies rolls nothing back", () => {
  const incident = { fromMs: 60_000, untilMs: 360_000 };
  for (const fault of [{ kind: "errors", share: 0.05 } as const, { kind: "latency", factor: 3 } as const])
    expect(trialOf({ plan: { sharedFaults: [{ ...fault, ...incident }] } })).toMatchObject({ verdict: "promoted" });
});

test("DecideJudge, sequential: an outage of the metrics holds the release, and is no evidence against it", () => {
  const environment = { metricsOutages: [{ fromMs: 100_000, untilMs: 400_000 }] };
  const good = trialOf({ environment });
  expect(good.verdict).toBe("promoted");
  expect(good.labels).toContain("hold-no-data");
  expect(good.endedMs).toBeGreaterThan(trialOf({}).endedMs);
  const late = trialOf({ environment, plan: { canaryFaults: [{ kind: "errors", share: 0.1, fromMs: 120_000 }] } });
  expect(late.verdict).toBe("rolled-back");
});

test("DecideJudge, sequential: crashes, refused writes, late scrapes and slow pods change times and no verdict", () => {
  const environments: Environment[] = [
    { crashesAtMs: [10_000, 70_000, 80_000, 200_000] },
    { conflictShare: 0.2 },
    { scrapeLagMs: 20_000 },
    { podStartMs: 50_000 },
    { crashesAtMs: [30_000, 150_000], conflictShare: 0.1, scrapeLagMs: 10_000, podStartMs: 20_000 },
  ];
  for (const [seed, environment] of environments.entries()) {
    expect(trialOf({ environment, seed })).toMatchObject({ verdict: "promoted" });
    expect(trialOf({ environment, seed, plan: loud })).toMatchObject({ verdict: "rolled-back" });
    expect(trialOf({ environment, seed })).toEqual(trialOf({ environment, seed }));
  }
});

test("DecideJudge, sequential: a crash between two looks loses no count, as they are asked for from where the evidence ends", () => {
  // The operator dies after the look at 60 s has been recorded, and finds the same status and counts as without the crash.
  const straight = trialOf({ plan: loud });
  const crashed = trialOf({ plan: loud, environment: { crashesAtMs: [straight.endedMs - 10_000] } });
  expect(crashed.verdict).toBe("rolled-back");
  expect(crashed.endedMs - straight.endedMs).toBeLessThanOrEqual(10_000);
});

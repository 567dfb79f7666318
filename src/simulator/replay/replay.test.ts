import { expect, test } from "vitest";
import type { Canary } from "#api";
import { FLAGGER_ANALYSIS, plainCanary } from "../plain-canary.ts";
import { DecideJudge } from "../release/index.ts";
import {
  drawHistory,
  ISTIO_BOUNDS_MS,
  NO_HISTORY,
  type ServiceStep,
  ServiceTraffic,
  type TrafficPlan,
} from "../traffic/index.ts";
import { decodeRecording, type RecordedTick } from "./decode-recording.ts";
import { replayRelease } from "./replay-release.ts";

const STEP_MS = 10_000;
const BEGAN_MS = Date.UTC(2026, 4, 1);
const canary = plainCanary(FLAGGER_ANALYSIS);
const calm: TrafficPlan = {
  requestsPerSecond: 100,
  errorRate: 0.005,
  noise: "auto",
  load: "flat",
  canaryFaults: [],
  sharedFaults: [],
};

function lineOf({ canary: c, primary: p }: ServiceStep, endMs: number): string {
  const histogram = ({ total, above }: ServiceStep["canary"]) => ({ boundsMs: ISTIO_BOUNDS_MS, above, total });
  return JSON.stringify({
    untilMs: BEGAN_MS + endMs,
    metrics: [
      {
        name: "request-success-rate",
        kind: "counts",
        arms: { canary: { total: c.total, bad: c.bad }, primary: { total: p.total, bad: p.bad } },
      },
      { name: "request-duration", kind: "latency", canary: histogram(c), primary: histogram(p) },
    ],
  });
}

/** A release as it went, and a recording of it. */
function record(plan: TrafficPlan, seed: number, { of = canary, history = NO_HISTORY } = {}) {
  const judge = new DecideJudge({ canary: of, history, environment: {}, seed, stepMs: STEP_MS });
  const traffic = new ServiceTraffic(plan, seed, STEP_MS);
  const lines: string[] = [];
  let endMs = 0;
  while (judge.verdict === "running") {
    endMs += STEP_MS;
    const step = traffic.step(endMs, judge.weightPercent);
    lines.push(lineOf(step, endMs));
    judge.after(step, endMs);
  }
  return { text: lines.join("\n"), verdict: judge.verdict, endMs };
}

function decode(text: string): readonly RecordedTick[] {
  const ticks = decodeRecording(text);
  if (!ticks.ok) throw new Error(ticks.error);
  return ticks.value;
}

test("replayRelease: a recorded release ends as it did, at the same time, whatever made it end", () => {
  const plans: TrafficPlan[] = [
    calm,
    { ...calm, canaryFaults: [{ kind: "errors", share: 0.05 }] },
    { ...calm, canaryFaults: [{ kind: "latency", factor: 3 }] },
  ];
  for (const plan of plans)
    for (let seed = 0; seed < 5; seed += 1) {
      const { text, verdict, endMs } = record(plan, seed);
      expect(replayRelease(canary, decode(text))).toMatchObject({ verdict, endedMs: endMs });
    }
});

test("replayRelease: a recorded sequential analysis ends as it did, with the history that it had", () => {
  const analysis = { ...canary.spec.analysis, method: "sequential", interval: "30s" } as const;
  const of: Canary = { ...canary, spec: { ...canary.spec, analysis } };
  const history = drawHistory(calm, 1);
  const past = [
    {
      name: "request-success-rate",
      dispersions: [history.errorDispersion],
      counts: { total: history.total, bad: history.bad },
    },
    {
      name: "request-duration",
      dispersions: history.latencyDispersions,
      histogram: { boundsMs: ISTIO_BOUNDS_MS, above: history.above, total: history.total },
    },
  ];
  for (const plan of [calm, { ...calm, canaryFaults: [{ kind: "errors", share: 0.05 } as const] }]) {
    const { text, verdict, endMs } = record(plan, 1, { of, history });
    const [first, ...rest] = decode(text);
    if (first === undefined) throw new Error("a recording has ticks");
    expect(replayRelease(of, [{ ...first, history: past }, ...rest])).toMatchObject({ verdict, endedMs: endMs });
  }
});

test("replayRelease: the decisions are told once each, with their sentence; a recording that ends too soon has no verdict", () => {
  const { text } = record({ ...calm, errorRate: 0.0001 }, 1);
  const { decisions } = replayRelease(canary, decode(text));
  expect(decisions.map(({ weightPercent }) => weightPercent)).toEqual([10, 20, 30, 40, 50, 50]);
  expect(decisions[0]).toMatchObject({ label: "advance", sinceMs: 0 });
  expect(decisions.at(-1)).toMatchObject({ label: "promote", sinceMs: 300_000 });
  const short = text.split("\n").slice(0, 8).join("\n");
  expect(replayRelease(canary, decode(short))).toMatchObject({ verdict: "running", endedMs: 80_000 });
});

test.each([
  ["", "fewer than two ticks"],
  ["{", "line 1: is not JSON"],
  ["[]", "line 1: is not an object"],
  ['{"untilMs":"now","metrics":[]}', 'line 1: untilMs must be a time in milliseconds, received "now"'],
  ['{"untilMs":1}', "metrics must be a list"],
  ['{"untilMs":1,"metrics":[{}]}', "each of metrics must be an object with a name"],
  ['{"untilMs":1,"metrics":[{"name":"a","kind":"x"}]}', 'metrics "a": kind must be counts, latency, scalar or missing'],
  [
    '{"untilMs":1,"metrics":[{"name":"a","kind":"counts","arms":{"canary":{"total":1,"bad":2},"primary":{"total":1,"bad":0}}}]}',
    "bad not above total",
  ],
  [
    '{"untilMs":1,"metrics":[{"name":"a","kind":"latency","canary":{"boundsMs":[5],"above":[9],"total":3},"primary":{"boundsMs":[5],"above":[1],"total":3}}]}',
    "falling counts",
  ],
  ['{"untilMs":1,"metrics":[],"history":[{"name":"a","dispersions":[0]}]}', "dispersions must be numbers of 1 or more"],
  ['{"untilMs":2,"metrics":[]}\n{"untilMs":2,"metrics":[]}', "line 2: untilMs is not later"],
])("decodeRecording %j: an error that names the line and what to change", (text, message) => {
  const result = decodeRecording(text);
  expect(result.ok ? "" : result.error).toContain(message);
});

test("decodeRecording: every kind of sample and a history come through, what is unknown does not", () => {
  const samples = [
    { name: "a", kind: "counts", arms: { canary: { total: 5, bad: 1 }, primary: { total: 9, bad: 0 } } },
    { name: "b", kind: "scalar", canary: 3, primary: 2, rule: { worse: "higher", scale: "ratio", margin: 1.1 } },
    { name: "c", kind: "missing", reason: "unreachable", message: "gone" },
  ];
  const past = [{ name: "a", dispersions: [1.5], counts: { total: 10, bad: 1 }, blockTicks: 6 }];
  const line = { untilMs: 1000, metrics: samples, history: past, extra: 1 };
  const [tick] = decode(`${JSON.stringify(line)}\n\n${JSON.stringify({ ...line, untilMs: 2000 })}`);
  expect(tick).toEqual({ untilMs: 1000, metrics: samples, history: past });
});

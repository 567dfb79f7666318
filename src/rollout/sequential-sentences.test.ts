import { expect, test } from "vitest";
import type { Label } from "./decision.ts";
import { decideScene, messagesOf, type Scene, value } from "./scene.ts";
import { collected, compared, errors, times } from "./sequential-scene.ts";
import { ERRORS, healthy, release, sequential } from "./sequential-world.ts";

/** What people are told; each sentence is enough alone. */

const calm = [errors(1, 200, 4, 800)];
const few = times(6, [errors(0, 2, 0, 8)]);
const late = (onTimeout: "promote" | "hold" | "rollback") => ({
  sequential: { warmup: "0s", maxDuration: "30s", onTimeout },
});
const history = [{ name: ERRORS.name, dispersions: [1], counts: { total: 100_000, bad: 50 } }];

test.each<[Label, Scene, string, string]>([
  [
    "rollback-objective",
    collected({
      analysis: { sequential: { ...compared.sequential, tolerance: { relative: 10 } } },
      ticks: times(8, [errors(6, 200, 2, 800)]),
    }),
    "Rolling back: the canary breaks its objective of 1% errors, which the primary keeps: errors of the canary are 3% against 0.25% of the primary in the same minutes (48 of 1,600 against 16 of 6,400 requests)",
    "Had the primary not been proven to keep it, the release would have been held.",
  ],
  [
    "on-timeout-rollback",
    collected({ analysis: late("rollback"), ticks: few }),
    "Rolling back: the canary was not proven to be fine within 30s, and spec.analysis.sequential.onTimeout is rollback",
    "With onTimeout promote or hold it would not have been rolled back.",
  ],
  [
    "on-timeout-hold",
    collected({ analysis: late("hold"), ticks: few }),
    "Holding at 20%: nothing is proven within 30s, and spec.analysis.sequential.onTimeout is hold; somebody has to decide.",
    "With onTimeout promote or rollback it would have gone on by itself.",
  ],
  [
    "on-timeout-promote",
    collected({ analysis: late("promote"), ticks: few }),
    "No evidence against the canary at 20% in 30s, and not enough for it: promoting web.shop, as spec.analysis.sequential.onTimeout says.",
    "With onTimeout hold it would have waited for somebody, with rollback it would have been taken back.",
  ],
  [
    "hold-check",
    collected({
      analysis: { metrics: [ERRORS, { name: "lag", query: "lag()", thresholdRange: { max: 1 } }] },
      ticks: times(3, calm),
      scene: { answers: { "metric/1/inline": value(5) } },
    }),
    "Holding at 20%: a metric that cannot be compared is out of its range: lag 5.00 > 1",
    "With the metric within its range the release would go on.",
  ],
  [
    "hold-objective",
    collected({ ticks: times(4, [errors(10, 200, 40, 800)]) }),
    "Holding at 20%: the canary breaks its objective: 5% errors of late where 1% are allowed; the primary is not proven to keep it, so the release may not be the cause.",
    "When the canary's newest requests keep the objective again, it goes on.",
  ],
  [
    "hold-shared-damage",
    collected({
      analysis: { metrics: [{ ...ERRORS, thresholdRange: { min: 90 } }] },
      ticks: times(4, [errors(6, 200, 24, 800)]),
      history,
    }),
    "Holding at 20%: errors of the primary are 3%, and were 0.05% before the release: it may harm what both copies share.",
    "When the primary does as well as before the release again, it goes on.",
  ],
  [
    "hold-sample-ratio",
    collected({ ticks: times(4, [errors(0, 60, 0, 800)]) }),
    "Holding at 20%: the canary completes 7% of the requests (180 of 2,580) and is sent 20%: it may be losing requests.",
    "When the canary completes its share again, it goes on.",
  ],
  [
    "hold-suspicious",
    collected({ ticks: times(9, [errors(5, 200, 3, 800)]) }),
    "Holding at 20%: errors of the canary are 2.5% against 0.38% of the primary in the same minutes (45 of 1,800 against 27 of 7,200 requests); that is too much to go on and too little to roll back.",
    "With fewer bad requests of the canary it would go on; with more it is rolled back.",
  ],
])("decide: the sentences of %s", (label, scene, sentence, otherwise) => {
  const { explanation, label: found } = decideScene(scene);
  expect({ found, sentence: explanation.sentence, otherwise: explanation.otherwise }).toEqual({
    found: label,
    sentence,
    otherwise,
  });
});

test("decide: the events of a hold stay the same while it lasts", () => {
  const held = (ticks: number) => decideScene(collected({ ticks: times(ticks, [errors(10, 200, 40, 800)]) }));
  expect(held(5).label).toBe("hold-objective");
  expect(messagesOf(held(5))).toEqual(messagesOf(held(4)));
  expect(held(5).explanation.sentence).not.toBe("");
});

test("decide: a release that collects says how many requests are missing, and how long they take", () => {
  const trip = release({ service: healthy, seed: 1 });
  const waits = trip.decisions
    .filter(({ label }) => label === "collect")
    .map(({ explanation }) => explanation.sentence);
  expect(waits[0]).toMatch(
    /^The canary is warming up at 1%: \d+ requests seen, what it does counts for a step in \d+s\.$/,
  );
  const counted = waits.flatMap((sentence) => {
    const found =
      /^Collecting evidence at 25%: ([\d,]+) of about ([\d,]+) requests of the canary that its errors need, about (\d+[sm])\.$/;
    const [, seen = "", all = ""] = found.exec(sentence) ?? [];
    return seen === "" ? [] : [[Number(seen.replaceAll(",", "")), Number(all.replaceAll(",", ""))] as const];
  });
  expect(counted.length).toBeGreaterThan(5);
  const last = counted.at(-1)?.[0] ?? 0;
  // A guess from the middle of the wait is right within a factor of two.
  const middle = counted[Math.floor(counted.length / 2)]?.[1] ?? 0;
  expect(middle / last).toBeGreaterThan(0.5);
  expect(middle / last).toBeLessThan(2);
});

test("decide: a step says what is proven, and what would have kept it", () => {
  const trip = release({ service: healthy, seed: 1 });
  const step = trip.decisions.find(({ status, label }) => label === "advance" && status.canaryWeight === 10);
  expect(step?.explanation.sentence).toMatch(
    /^Enough is known at 5%: the canary's errors are at most 1\.25 times the primary's plus [\d.]+ points, its requests slower than \d+ms are at most [\d.]+ times the primary's plus [\d.]+ points \(95% sure\): the canary gets 10% of the traffic\.$/,
  );
  expect(step?.explanation.otherwise).toMatch(
    /^With more than 10 points of .* not ruled out, instead of [\d.]+ points, it would have stayed to collect more\.$/,
  );
});

test("decide: the facts of a rollback name the metric to blame, both copies, the interval and the chance", () => {
  const { explanation } = release({ service: { ...healthy, slower: 2 }, seed: 2 }).last;
  const { combined = 0, stopAt = 0, leading, metrics = [] } = explanation.evidence ?? {};
  expect(leading).toBe("request-duration");
  expect(combined).toBeGreaterThanOrEqual(stopAt);
  const fact = metrics.find(({ verdict }) => verdict === "worse");
  expect(fact).toMatchObject({
    metric: "request-duration",
    what: expect.stringMatching(/^requests slower than \d+ms$/),
  });
  expect(fact?.falseAlarm).toBeLessThan(0.01);
  expect(fact?.interval?.low ?? 0).toBeGreaterThan(0);
  expect(fact?.interval?.low ?? 1).toBeLessThanOrEqual(fact?.estimate ?? 0);
  expect(fact?.estimate ?? 1).toBeLessThanOrEqual(fact?.interval?.high ?? 0);
});

test("decide: the metric of a broken objective is named though its comparison proves nothing, and none of a promotion", () => {
  const broken = decideScene(collected({ ticks: times(4, [errors(10, 200, 40, 800)]) }));
  expect(broken.label).toBe("hold-objective");
  expect(broken.explanation.evidence?.leading).toBe("request-success-rate");
  expect(broken.explanation.evidence?.metrics[0]?.verdict).not.toBe("worse");
  const { last } = release({ service: healthy, seed: 1 });
  expect(last.label).toBe("promote");
  expect(last.explanation.evidence).not.toHaveProperty("leading");
});

test("decide: a first step that gets hardly a request is told, and taken", () => {
  const trip = release({ service: { ...healthy, requestsPerSecond: 1 }, seed: 1, lookCount: 6 });
  expect(trip.decisions.flatMap(messagesOf)).toContain(
    "web.shop gets about 1 requests per second, so 1% tell little; a first step of 10% would be faster",
  );
});

test("release: blue/green with copies of the requests takes the bound before its cutover, and rolls back what fails", () => {
  const plan = {
    analysis: { ...sequential, stepWeights: [], iterations: 2, mirror: true, metrics: [ERRORS] },
    spec: {},
  };
  const service = { ...healthy, primaryErrors: () => 0.001, canaryErrors: () => 0.001 };
  const trip = release({ service, seed: 1, plan });
  const labels = trip.decisions.map(({ label }) => label);
  expect(labels.filter((label) => ["iterate", "route-canary", "promote"].includes(label))).toEqual([
    "iterate",
    "iterate",
    "route-canary",
    "promote",
  ]);
  const cutover = trip.decisions.find(({ label }) => label === "route-canary");
  const [fact] = cutover?.explanation.evidence?.metrics ?? [];
  expect(fact?.bound ?? 1).toBeLessThanOrEqual(fact?.goAt ?? 0);
  const bad = release({ service: { ...service, canaryErrors: () => 0.06 }, seed: 1, plan });
  expect(bad.last.label).toMatch(/^rollback-/);
  expect(bad.maxWeight).toBe(0);
});

test("release: an A/B test takes its iterations and the bound, and rolls back what fails", () => {
  const match = [{ headers: { a: { exact: "b" } } }];
  const plan = { analysis: { ...sequential, stepWeights: [], iterations: 3, match, metrics: [ERRORS] }, spec: {} };
  const trip = release({ service: healthy, seed: 1, plan });
  expect(trip.last.label).toBe("promote");
  expect(trip.decisions.filter(({ label }) => label === "iterate")).toHaveLength(3);
  const waits = trip.decisions.filter(({ label }) => label === "collect");
  expect(waits.at(-1)?.explanation.sentence).toMatch(/^Collecting evidence with the requests that match: /);
  const bad = release({ service: { ...healthy, canaryErrors: () => 0.06 }, seed: 1, plan });
  expect(bad.last.label).toMatch(/^rollback-/);
});

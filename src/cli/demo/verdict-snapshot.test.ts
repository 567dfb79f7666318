import { expect, test } from "vitest";
import { type VerdictSeries, verdictBar, verdictsOf, verdictText } from "./verdict-snapshot.ts";

const series = (evidence: number, bound?: number): VerdictSeries[] => [
  { name: "serin_verdict_stop", metric: "", value: 4.6 },
  { name: "serin_verdict_evidence", metric: "request-success-rate", value: evidence },
  ...(bound === undefined
    ? []
    : [
        { name: "serin_verdict_bound", metric: "request-success-rate", value: bound },
        { name: "serin_verdict_goal", metric: "request-success-rate", value: 0.005 },
      ]),
];

test("verdictsOf: the figures of each metric; none before a run", () => {
  expect(verdictsOf([])).toEqual([]);
  expect(verdictsOf(series(2.3, 0.05))).toEqual([
    { metric: "request-success-rate", stopShare: 0.5, bound: 0.05, goal: 0.005 },
  ]);
});

test("verdictBar: grows to the left against the canary, to the right for it", () => {
  const barOf = (evidence: number, bound?: number) => verdictsOf(series(evidence, bound)).map(verdictBar);
  expect(barOf(-1)).toEqual(["stop ░░░░░░░░░░░░│░░░░░░░░░░░░ go"]);
  expect(barOf(2.3, 1)).toEqual(["stop ░░░░░░██████│░░░░░░░░░░░░ go"]);
  expect(barOf(9)).toEqual(["stop ████████████│░░░░░░░░░░░░ go"]);
  expect(barOf(-1, 0.0707)).toEqual(["stop ░░░░░░░░░░░░│██████░░░░░░ go"]);
  expect(barOf(-1, 0.004)).toEqual(["stop ░░░░░░░░░░░░│████████████ go"]);
});

test("verdictText: the bound and its goal in percent", () => {
  expect(verdictsOf(series(0, 0.0123)).map(verdictText)).toEqual(["excess ≤ 1.23%, needs 0.50%"]);
  expect(verdictsOf(series(0)).map(verdictText)).toEqual(["nothing compared yet"]);
});

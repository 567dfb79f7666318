import { expect, test } from "vitest";
import { seededRandom } from "#base";
import type { DecisionRecord, EvidenceFact } from "#rollout";
import type { WhyReport } from "../commands/why-report.ts";
import { paintFor, plainPaint } from "./paint.ts";
import { about, count, evidenceWords, oneIn, points } from "./run-words.ts";
import { whyLines } from "./why-text.ts";
import { labelled, oneLine, wrap } from "./wrap.ts";

const errors: EvidenceFact = {
  metric: "request-success-rate",
  what: "errors",
  canary: { total: 212, bad: 3 },
  primary: { total: 1900, bad: 2 },
  estimate: 0.0131,
  interval: { low: 0.002, high: 0.031 },
  worse: 1.6,
  falseAlarm: 0.2,
  bound: 0.031,
  goAt: 0.01,
  left: { requestCount: 118, etaMs: 40_000 },
  verdict: "unknown",
  query: "sum(rate(requests[30s]))",
};

const hold: DecisionRecord = {
  at: "2026-01-01T12:00:10.000Z",
  label: "wait-capacity",
  sentence: "Collecting evidence at 10%.",
  from: { phase: "Progressing", weight: 10 },
  to: { phase: "Progressing", weight: 10 },
  checks: [],
  evidence: { combined: 1.6, stopAt: Math.log(100), metrics: [errors] },
  capacity: {
    method: "declared",
    requestsPerSecond: 400,
    podsForAll: 8,
    primary: { ready: 8, pods: 8, need: 8, floor: 7 },
    canary: { ready: 2, pods: 2, need: 1, floor: 3 },
    next: 3,
    reserve: 7,
    wayBack: "80% in 1s, 100% in 24s",
    bounds: ["hpa web allows at most 3"],
  },
  done: [{ kind: "floor", copy: "canary", count: 3 }],
  otherwise: "With 1 more ready pod of the canary the next step would be taken.",
  repeated: { count: 12, lastAt: "2026-01-01T12:02:00.000Z" },
};

const report: WhyReport = {
  namespace: "shop",
  canary: "web",
  sentence: "Collecting evidence at 10%: 212 of about 330 requests, about 40s.",
  phase: "Progressing",
  weight: 10,
  isOpen: true,
  problems: [],
  run: { number: 4, revision: "s2", startedAt: "2026-01-01T12:00:00Z", records: [hold], droppedCount: 0 },
  runs: [
    { number: 3, outcome: "promoted" },
    { number: 4, outcome: "open" },
  ],
  broken: [],
};
const plain = { width: 80, paint: plainPaint, isWhole: false };

test("whyLines: a release that waits for evidence, at 80 columns", () => {
  expect(`\n${whyLines(report, plain).join("\n")}\n`).toBe(`
shop/web: Collecting evidence at 10%: 212 of about 330 requests, about 40s.

  run       4, goes on; 2026-01-01 since 12:00:00 UTC; revision s2
  now       Progressing, 10% on the canary
  else      With 1 more ready pod of the canary the next step would be taken.
  others    3 promoted

12:00:10  10%         Collecting evidence at 10%.
          seen     request-success-rate (errors): canary 3 of 212, primary 2 of
                   1,900
                   1.3 points worse, between 0.2 and 3.1 points
                   false-alarm chance 1 in 5; goes back at 1 in 100
                   at most 3.1 points worse; goes on at 1 point: about 118
                   requests more, 40s at this traffic
          pods     400 requests/s; canary 2 ready of 1 needed, 3 for the next
                   step; primary 8 of 8; way back 80% in 1s, 100% in 24s; hpa
                   web allows at most 3
          done     autoscaler of the canary held at 3 pods or more
          else     With 1 more ready pod of the canary the next step would be
                   taken.
          again    12 times until 12:02:00

queries
  request-success-rate
    sum(rate(requests[30s]))
`);
});

test("whyLines: the last twelve decisions, all of them when asked, and how many are not kept", () => {
  const records = Array.from({ length: 20 }, (_, index) => ({ ...hold, sentence: `Look ${index}.` }));
  const long = { ...report, run: { ...report.run, records, droppedCount: 7 } };
  const short = whyLines(long, plain).join("\n");
  expect(short).toContain("… 15 earlier decisions, 7 of them not kept (--all shows the rest)");
  expect(short).not.toContain("Look 7.");
  expect(short).toContain("Look 8.");
  const whole = whyLines(long, { ...plain, isWhole: true }).join("\n");
  expect(whole).toContain("Look 0.");
  expect(whole).toContain("… 7 earlier decisions not kept\n");
  const one = { ...long, run: { ...long.run, records: records.slice(-13), droppedCount: 0 } };
  expect(whyLines(one, plain).join("\n")).toContain("… 1 earlier decision (--all shows the rest)\n");
});

test("whyLines: what others wrote cannot move the cursor or leave its line; no line but a query is too long", () => {
  const nasty = "a\u001b[2Jb\nc\u202Ed";
  const checks = [{ name: nasty, verdict: "failed" as const, detail: `${nasty} ${"x".repeat(300)}` }];
  const lines = whyLines(
    { ...report, sentence: nasty, problems: [nasty], run: { ...report.run, records: [{ ...hold, checks }] } },
    plain,
  );
  expect(lines.join("")).not.toMatch(/[\u001b\n\u202e]/);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
});

test("whyLines: colors are around the lines and change no column", () => {
  const paint = paintFor({ isTTY: true }, {});
  const colored = whyLines(report, { ...plain, paint }).join("\n");
  expect(colored).toContain("\u001b[");
  expect(oneLine(colored.replaceAll(new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, "g"), ""))).toBe(
    oneLine(whyLines(report, plain).join("\n")),
  );
  for (const env of [{ NO_COLOR: "1" }, { TERM: "dumb" }]) expect(paintFor({ isTTY: true }, env)).toBe(plainPaint);
  expect(paintFor({}, {})).toBe(plainPaint);
});

test("wrap and labelled: no line is longer than asked, and no word is lost", () => {
  const random = seededRandom(3);
  for (let round = 0; round < 200; round++) {
    const words = Array.from({ length: 30 }, () => "w".repeat(1 + Math.floor(random.next() * 50)));
    const width = 20 + Math.floor(random.next() * 60);
    const lines = wrap(words.join(" "), width);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width);
    expect(lines.join("").replaceAll(" ", "")).toBe(words.join(""));
  }
  expect(labelled("run", "a b", { indent: 6, width: 80 })).toEqual(["run   a b"]);
  expect(wrap("", 10)).toEqual([""]);
});

test.each([
  [oneIn(0.01), "1 in 100"],
  [oneIn(1), "1 in 1"],
  [oneIn(0), "less than 1 in 1,000,000,000"],
  [points(0.0131), "1.3 points"],
  [points(0.01), "1 point"],
  [points(0.01002), "1 point"],
  [count(1, "request"), "1 request"],
  [count(1.2, "request"), "1 request"],
  [count(12_345, "request"), "12,345 requests"],
  [points(0.0002), "0.02 points"],
  [about(40_400), "40s"],
  [about(95_000), "1m35s"],
  [about(1_220_000), "20m"],
  [about(7_200_000), "2h"],
])("words of numbers: %s", (text, expected) => {
  expect(text).toBe(expected);
});

test("evidenceWords: before the first request the counts alone; nothing is asked for that is there", () => {
  const none = { total: 0, bad: 0 };
  expect(evidenceWords({ ...errors, canary: none, primary: none }, Math.log(100))).toEqual([
    "request-success-rate (errors): canary 0 of 0, primary 0 of 0",
  ]);
  const left = { requestCount: 0, etaMs: 0 };
  expect(evidenceWords({ ...errors, left }, Math.log(100)).at(-1)).toBe("at most 3.1 points worse; goes on at 1 point");
});

import fc from "fast-check";
import { expect, test } from "vitest";
import type { AggregationOperator, BinaryOperator, Expr, Position, VectorSelector } from "./ast.ts";
import { checkTypes } from "./check-types.ts";
import { evaluateInstant, evaluateRange } from "./evaluate.ts";
import { createLabels, labelValue } from "./labels.ts";
import { parsePromql } from "./parse.ts";
import { printPromql } from "./print.ts";
import type { Queryable } from "./queryable.ts";
import { createMemoryQueryable } from "./script/index.ts";

const where: Position = { line: 1, column: 1 };

const labelName = fc.constantFrom("job", "le", "pod", "a.b", "Ünïcode");
const labelText = fc.oneof(fc.constantFrom("x", 'q"uo\\te', "line\nbreak", ""), fc.string());
const selector: fc.Arbitrary<VectorSelector> = fc
  .record({
    name: fc.constantFrom("up", "http_requests_total", "a:b", "sum", "end", "by"),
    matchers: fc.array(
      fc.record({ name: labelName, op: fc.constantFrom("=" as const, "!=" as const), value: labelText }),
      { maxLength: 2 },
    ),
    offsetMs: fc.constantFrom(0, 0, 1, 300_000, -5000),
    at: fc.option(fc.constantFrom({ kind: "start" as const }, { kind: "time" as const, timeMs: 1500 }), {
      nil: undefined,
    }),
  })
  .map(({ name, matchers, offsetMs, at }) => ({
    kind: "vectorSelector",
    matchers: [{ name: "__name__", op: "=", value: name }, ...matchers],
    offsetMs,
    ...(at === undefined ? {} : { at }),
    where,
  }));

const number = fc.double({ noNaN: true, min: 0 }).map((value): Expr => ({ kind: "number", value, where }));

/** Vectors, put in parentheses wherever precedence could change the tree. */
const { vector } = fc.letrec<{ vector: Expr; boxed: Expr }>((tie) => ({
  boxed: tie("vector").map((expr) => ({ kind: "paren", expr, where })),
  vector: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    selector,
    fc
      .record({
        op: fc.constantFrom<BinaryOperator>("+", "^", "%", "atan2", ">=", "and", "unless", "or"),
        left: tie("boxed"),
        right: tie("boxed"),
      })
      .map(({ op, left, right }): Expr => {
        const isSet = op === "and" || op === "unless" || op === "or";
        const matching = { cardinality: "many-to-many", on: false, labels: [], include: [] } as const;
        return {
          kind: "binary",
          op,
          left,
          right,
          returnsBool: op === ">=",
          ...(isSet ? { matching } : {}),
          where,
          opWhere: where,
        };
      }),
    fc
      .record({
        op: fc.constantFrom<AggregationOperator>("sum", "max", "count"),
        expr: tie("vector"),
        labels: fc.uniqueArray(labelName, { maxLength: 2 }),
        without: fc.boolean(),
      })
      .map(
        ({ op, expr, labels, without }): Expr => ({
          kind: "aggregation",
          op,
          grouping: { without, labels },
          expr,
          where,
        }),
      ),
    fc
      .record({ expr: tie("boxed"), value: number })
      .map(({ expr, value }): Expr => ({ kind: "call", func: "clamp_min", args: [expr, value], where })),
    selector.map(
      (inner): Expr => ({
        kind: "call",
        func: "rate",
        args: [{ kind: "matrixSelector", selector: inner, rangeMs: 61_001, where }],
        where,
      }),
    ),
    tie("boxed").map(
      (expr): Expr => ({
        kind: "call",
        func: "sum_over_time",
        args: [{ kind: "subquery", expr, rangeMs: 3_600_000, offsetMs: 0, where }],
        where,
      }),
    ),
    tie("boxed").map((expr): Expr => ({ kind: "unary", op: "-", expr, where })),
  ),
}));

function withoutPositions(expr: Expr): unknown {
  return JSON.parse(
    JSON.stringify(expr, (key, value: unknown) =>
      key === "where" || key === "opWhere" ? undefined : value === Number.POSITIVE_INFINITY ? "Inf" : value,
    ),
  );
}

test("printPromql and parsePromql: printing and parsing give the expression back", () => {
  fc.assert(
    fc.property(vector, (expr) => {
      expect(checkTypes(expr)).toBe("vector");
      const text = printPromql(expr);
      const parsed = parsePromql(text);
      expect(parsed.ok ? withoutPositions(parsed.value) : `${text}: ${parsed.error.message}`).toEqual(
        withoutPositions(expr),
      );
    }),
    { numRuns: 500 },
  );
});

test("parsePromql: any text is parsed or refused with a position, never thrown at", () => {
  const piece = fc.constantFrom(
    "sum",
    "by",
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    "a",
    "1",
    "5m",
    ":",
    "@",
    "offset",
    "-",
    "^",
    "and",
    "on",
    '"x"',
    "=~",
    ",",
    "bool",
    " ",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(piece, { maxLength: 20 }).map((parts) => parts.join(" ")),
      ),
      (text) => {
        const parsed = parsePromql(text);
        const message = parsed.ok ? "1:1: parse error: none" : parsed.error.message;
        expect(message).toMatch(/^\d+:\d+: parse error: ./s);
      },
    ),
    { numRuns: 1000 },
  );
});

function query(text: string, queryable: Queryable, timeMs: number): ReadonlyMap<string, number> {
  const expr = parsePromql(text);
  if (!expr.ok) throw new Error(expr.error.message);
  const result = evaluateInstant(expr.value, queryable, { timeMs });
  if (!result.ok || result.value.value.type !== "vector") throw new Error(`no vector: ${text}`);
  return new Map(result.value.value.elements.map(({ labels, value }) => [labelValue(labels, "g"), value]));
}

test("rate: of a counter that grows evenly is its slope, with resets or without", () => {
  fc.assert(
    fc.property(
      fc.record({
        perStep: fc.integer({ min: 1, max: 1000 }),
        resetAt: fc.integer({ min: 1, max: 59 }),
        hasReset: fc.boolean(),
      }),
      ({ perStep, resetAt, hasReset }) => {
        const store = createMemoryQueryable();
        const values = Array.from({ length: 61 }, (_, i) => ({
          kind: "float" as const,
          value: perStep * (hasReset && i >= resetAt ? i - resetAt + 1 : i),
        }));
        store.load({ labels: createLabels([["__name__", "c_total"]]), values }, 5000);
        // A process that restarts counts up to perStep before it is scraped, so no increment is lost.
        expect(query("rate(c_total[2m])", store, 300_000).get("")).toBeCloseTo(perStep / 5, 6);
      },
    ),
    { numRuns: 200 },
  );
});

/** The same aggregations, written without regard to speed or rounding. */
const naive: Readonly<Record<string, (values: number[]) => number>> = {
  sum: (values) => values.reduce((a, b) => a + b, 0),
  avg: (values) => values.reduce((a, b) => a + b, 0) / values.length,
  min: (values) => Math.min(...values),
  max: (values) => Math.max(...values),
  count: (values) => values.length,
  group: () => 1,
  stdvar: (values) => {
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    return values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
  },
};

test("aggregations: agree with a second, naive implementation", () => {
  const series = fc.array(
    fc.record({ group: fc.constantFrom("a", "b", "c"), value: fc.integer({ min: -1000, max: 1000 }) }),
    { minLength: 1, maxLength: 20 },
  );
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(naive)), series, (op, members) => {
      const store = createMemoryQueryable();
      const groups = new Map<string, number[]>();
      members.forEach(({ group, value }, i) => {
        store.load(
          {
            labels: createLabels([
              ["__name__", "m"],
              ["g", group],
              ["i", String(i)],
            ]),
            values: [{ kind: "float", value }],
          },
          1000,
        );
        groups.set(group, [...(groups.get(group) ?? []), value]);
      });
      const got = query(`${op} by (g) (m)`, store, 0);
      expect([...got.keys()].sort()).toEqual([...groups.keys()].sort());
      for (const [group, values] of groups) expect(got.get(group)).toBeCloseTo(naive[op]?.(values) ?? Number.NaN, 6);
    }),
    { numRuns: 300 },
  );
});

test("evaluateRange: every step is what an instant query at its time yields", () => {
  const store = createMemoryQueryable();
  const values = (factor: number) =>
    Array.from({ length: 100 }, (_, i) =>
      i % 17 === 3
        ? { kind: "gap" as const }
        : i === 60
          ? { kind: "stale" as const }
          : { kind: "float" as const, value: (i * factor) % 53 },
    );
  for (const [i, factor] of [3, 7, 11].entries())
    store.load(
      {
        labels: createLabels([
          ["__name__", "m_total"],
          ["g", String(i)],
        ]),
        values: values(factor),
      },
      10_000,
    );
  const queries = [
    "m_total",
    "rate(m_total[1m])",
    "sum by (g) (m_total) > 20",
    "max_over_time(m_total[2m:30s])",
    "m_total offset 1m",
    "topk(1, m_total)",
    "m_total - on(g) m_total offset 30s",
    "absent(m_total)",
    "quantile_over_time(0.3, m_total[5m])",
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(...queries),
      fc.integer({ min: 0, max: 900 }),
      fc.integer({ min: 1, max: 97 }),
      (text, startSeconds, stepSeconds) => {
        const expr = parsePromql(text);
        if (!expr.ok) throw new Error(expr.error.message);
        const startMs = startSeconds * 1000;
        const stepMs = stepSeconds * 1000;
        const result = evaluateRange(expr.value, store, { startMs, endMs: startMs + 10 * stepMs, stepMs });
        if (!result.ok || result.value.value.type !== "matrix") throw new Error("no matrix");
        const { series } = result.value.value;
        for (let step = 0; step <= 10; step++) {
          const timeMs = startMs + step * stepMs;
          const atStep = new Map<string, number>();
          for (const { labels, timestamps, values: numbers } of series) {
            const index = timestamps.indexOf(timeMs);
            if (index !== -1) atStep.set(labelValue(labels, "g"), numbers[index] ?? Number.NaN);
          }
          expect(atStep).toEqual(query(text, store, timeMs));
        }
      },
    ),
    { numRuns: 200 },
  );
});

test("evaluateInstant: the longest query that is accepted does not exhaust the stack", () => {
  const sum = `${"(".repeat(150)}1${")".repeat(150)}${" + 1".repeat(1000)}`;
  const expr = parsePromql(`vector(${sum})`);
  if (!expr.ok) throw new Error(expr.error.message);
  const result = evaluateInstant(expr.value, createMemoryQueryable(), { timeMs: 0 });
  expect(result.ok && result.value.value).toMatchObject({ elements: [{ value: 1001 }] });
});

test("evaluateInstant: limits and interruptions are problems", () => {
  const store = createMemoryQueryable();
  store.load(
    {
      labels: createLabels([["__name__", "m"]]),
      values: Array.from({ length: 100 }, (_, i) => ({ kind: "float" as const, value: i })),
    },
    1000,
  );
  const expr = parsePromql("sum_over_time(m[100s])");
  if (!expr.ok) throw new Error(expr.error.message);
  expect(evaluateInstant(expr.value, store, { timeMs: 99_000, maxSampleCount: 50 })).toMatchObject({
    ok: false,
    error: { code: "promql-too-many-samples" },
  });
  expect(evaluateInstant(expr.value, store, { timeMs: 99_000, interrupted: () => "enough" })).toMatchObject({
    ok: false,
    error: { code: "promql-interrupted", message: "enough" },
  });
  expect(evaluateRange(expr.value, store, { startMs: 0, endMs: 20_000_000, stepMs: 1 })).toMatchObject({
    ok: false,
    error: { code: "promql-invalid-parameter" },
  });
});

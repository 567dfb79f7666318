import type { Position } from "./ast.ts";
import type { Labels } from "./labels.ts";
import type { Queryable } from "./queryable.ts";

/** The moments at which an expression is evaluated: `count` steps of `stepMs` from `startMs` on. */
export interface Grid {
  readonly startMs: number;
  readonly stepMs: number;
  readonly count: number;
}

/** Time of a step. */
export function stepTimeMs(grid: Grid, index: number): number {
  return grid.startMs + index * grid.stepMs;
}

/** A series evaluated on a grid. `values[i]` counts only where `present[i]` is not zero. */
export interface GridSeries {
  readonly labels: Labels;
  readonly values: Float64Array;
  readonly present: Uint8Array;
}

export type GridValue =
  | { readonly kind: "scalar"; readonly values: Float64Array }
  | { readonly kind: "vector"; readonly series: readonly GridSeries[] }
  | { readonly kind: "string"; readonly value: string };

/** What one query carries through its evaluation. */
export interface Evaluation {
  readonly queryable: Queryable;
  /** Bounds and step of the whole query, which subqueries do not change. */
  readonly query: { readonly startMs: number; readonly endMs: number; readonly stepMs: number };
  readonly lookbackMs: number;
  readonly subqueryStepMs: number;
  /** Counts samples against the limit and lets the caller interrupt. @throws EvaluationFault */
  spend(sampleCount: number): void;
  warn(message: string, where: Position): void;
  info(message: string, where: Position): void;
}

/** A query that cannot be answered. Thrown inside the room; the entry points turn it into a problem. */
export class EvaluationFault extends Error {
  readonly code: "execution" | "too-many-samples" | "interrupted";

  constructor(message: string, code: EvaluationFault["code"] = "execution") {
    super(message);
    this.name = "EvaluationFault";
    this.code = code;
  }
}

export function newGridSeries(labels: Labels, grid: Grid): GridSeries {
  return { labels, values: new Float64Array(grid.count), present: new Uint8Array(grid.count) };
}

/** True when the series has a value at any step. */
export function isPresentAnywhere(series: GridSeries): boolean {
  return series.present.includes(1);
}

/**
 * Makes a vector of series whose labels an operation changed: drops those without a value and joins those that became
 * equal, which is fine as long as no two have a value at the same step. @throws EvaluationFault
 */
export function joinSeries(series: readonly GridSeries[]): readonly GridSeries[] {
  const byKey = new Map<string, GridSeries>();
  for (const next of series) {
    if (!isPresentAnywhere(next)) continue;
    const first = byKey.get(next.labels.key);
    byKey.set(next.labels.key, first === undefined ? next : joined(first, next));
  }
  return [...byKey.values()];
}

function joined(a: GridSeries, b: GridSeries): GridSeries {
  const values = Float64Array.from(a.values);
  const present = Uint8Array.from(a.present);
  for (let i = 0; i < present.length; i++) {
    if (b.present[i] === 0) continue;
    if (present[i] !== 0) throw new EvaluationFault("vector cannot contain metrics with the same labelset");
    present[i] = 1;
    values[i] = b.values[i] ?? 0;
  }
  return { labels: a.labels, values, present };
}

import type { GridSeries } from "./evaluation.ts";

/** The two instant vectors of a binary expression, as written. */
export interface Operands {
  readonly left: readonly GridSeries[];
  readonly right: readonly GridSeries[];
}

/** Result of one pair of values, left and right as written; `undefined` when a comparison filters it out. */
export type Operation = (left: number, right: number) => number | undefined;

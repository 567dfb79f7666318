import type { Labels } from "./labels.ts";
import type { LabelMatcher } from "./matcher.ts";

/** The samples of one series in ascending order of time, one a timestamp. */
export interface Series {
  readonly labels: Labels;
  /** Milliseconds since the Unix epoch. */
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
  /** Non-zero at the index of a staleness marker: the series ended there. Absent: there are none. */
  readonly stale?: Uint8Array;
}

/** Where an evaluation gets its samples from. Must answer from memory. */
export interface Queryable {
  /** The series that satisfy all matchers, with their samples from `startMs` to `endMs`, both included. */
  select(matchers: readonly LabelMatcher[], startMs: number, endMs: number): readonly Series[];
}

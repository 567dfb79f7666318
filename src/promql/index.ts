export type * from "./ast.ts";
export {
  evaluateInstant,
  type EvaluationOptions,
  evaluateRange,
  type InstantParams,
  type QueryResult,
  type QueryValue,
  type RangeParams,
  type VectorElement,
} from "./evaluate.ts";
export {
  compareLabels,
  createLabels,
  emptyLabels,
  formatLabels,
  isLabelName,
  labelEntries,
  type Labels,
  labelValue,
  METRIC_NAME,
} from "./labels.ts";
export { compileMatcher, formatMatcher, type LabelMatcher, literalAlternatives, type ValueTest } from "./matcher.ts";
export { formatFloat, formatSampleValue } from "./number-format.ts";
export { parsePromql } from "./parse.ts";
export { printPromql } from "./print.ts";
export type { Queryable, Series } from "./queryable.ts";

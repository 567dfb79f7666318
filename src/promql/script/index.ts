export { createMemoryQueryable, type MemoryQueryable } from "./memory-queryable.ts";
export { type CaseOutcome, runScript } from "./run-script.ts";
export { parseSeriesLine, type SeriesLine } from "./series-line.ts";

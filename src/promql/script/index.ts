export { createMemoryQueryable, type MemoryQueryable } from "./memory-queryable.ts";
export { type CaseOutcome, runScript } from "./run-script.ts";

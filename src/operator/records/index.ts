export { keyOfRun, type ReadRuns, readRuns, runMapName } from "./run-map.ts";
export { createRunStore, type RunStore } from "./run-store.ts";
export type { Run, RunOutcome } from "./run.ts";

export { runOperator } from "./main.ts";
export { keyOfRun, type ReadRuns, readRuns, type Run, type RunOutcome, runMapName } from "./records/index.ts";
export { deploymentTemplateOf, revisionOfTemplate } from "./workloads/index.ts";

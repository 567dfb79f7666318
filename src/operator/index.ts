export { runOperator } from "./main.ts";
export { deploymentTemplateOf, revisionOfTemplate } from "./workloads/index.ts";

export { configRefs } from "./config-refs.ts";
export { newServiceCopy, syncedServiceCopy } from "./core-service.ts";
export { readWorkload, type WorkloadViews } from "./read-workload.ts";
export { deploymentTemplateOf, revisionOfTemplate } from "./replica-set-revision.ts";
export { restoredApex } from "./restored-apex.ts";
export { revisionChecksum } from "./template-hash.ts";
export { planConfigCopy, primaryConfigName } from "./tracked-configs.ts";
export type { Workload, WorkloadSettings } from "./workload.ts";

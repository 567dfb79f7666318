export { configRefs } from "./config-refs.ts";
export { isPromoted, matchesTarget, newPrimary, type PrimaryPlan, promotedPrimary } from "./primary.ts";
export { deploymentTemplateOf, revisionOfTemplate } from "./replica-set-revision.ts";
export { type SelectorLabel, selectorLabelOf } from "./selector.ts";
export { revisionChecksum, revisionId, templateHash } from "./template-hash.ts";
export { planConfigCopy, primaryConfigName, type TrackedConfigs, trackedConfigsOf } from "./tracked-configs.ts";

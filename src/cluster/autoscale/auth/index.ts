export {
  type AuthWorld,
  resolveTriggerSources,
  type ServiceAccountRequest,
  type TriggerSources,
  type TriggerSourcesRequest,
} from "./resolve-trigger-sources.ts";

export { startHttpEndpoint } from "./http-endpoint.ts";
export { createJsonLog } from "./json-log.ts";
export { createRolloutMetrics, type Identity, type RolloutMetrics } from "./rollout-metrics.ts";

export { startHttpEndpoint } from "./http-endpoint.ts";
export { createJsonLog } from "./json-log.ts";
export type { OperatorMetrics } from "./operator-metrics.ts";
export { openTracer } from "./open-tracer.ts";
export { tracedClient } from "./traced-client.ts";
export { tracedHttp } from "./traced-http.ts";
export { silentTracer, type Span, type SpanAttributes, type Tracer } from "./tracer.ts";
export {
  type CopyFigures,
  createRolloutMetrics,
  type FinishedRun,
  type Identity,
  type RolloutMetrics,
} from "./rollout-metrics.ts";

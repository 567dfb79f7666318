export { createPromqlMetrics } from "./promql-metrics.ts";

export type { CopyCounts } from "./copy-traffic.ts";
export { ISTIO_BOUNDS_MS, type LatencyShape, shareAbove } from "./latency-shares.ts";
export { drawHistory, NO_HISTORY, type PrimaryHistory } from "./primary-history.ts";
export { randomStream } from "./random-stream.ts";
export { type ServiceStep, ServiceTraffic } from "./service-traffic.ts";
export type { Fault, FaultKind, Load, Noise, TrafficPlan } from "./traffic-plan.ts";

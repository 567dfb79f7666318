export type { CopyCounts } from "./copy-traffic.ts";
export { ISTIO_BOUNDS_MS } from "./latency-shares.ts";
export { NO_HISTORY, PodHistory, type PrimaryHistory } from "./pod-history.ts";
export { drawHistory } from "./primary-history.ts";
export { randomStream } from "./random-stream.ts";
export { type ServiceStep, ServiceTraffic } from "./service-traffic.ts";
export type { Fault, FaultKind, Load, Noise, TrafficPlan } from "./traffic-plan.ts";

export {
  type ApiCall,
  type ApiReply,
  startTestApiServer,
  type TestApiServer,
  type TestApiServerOptions,
} from "./api-server.ts";
export { aMoment, createPassingTime, type PassingTime, type PassingTimeOptions } from "./passing-time.ts";
export { createVirtualClock, type VirtualClock } from "./virtual-clock.ts";
export { type ExposedProcess, startTestMetricsStore, type TestMetricsStore } from "./metrics-store.ts";

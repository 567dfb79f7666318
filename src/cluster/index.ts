export {
  type ApiServer,
  type ApiServerOptions,
  apiServerMain,
  ensurePki,
  type KubeconfigOptions,
  type Pki,
  type ServiceNetwork,
  startApiServer,
} from "./apiserver/index.ts";
export type { AdmissionRequest, AdmissionReview, AdmissionReviewer, AdmissionView } from "./admission.ts";
export { nodeProxyMain } from "./proxy/index.ts";
export type { MetricApis } from "./metric-apis.ts";
export type { LogQuery, NodeApi, PodUsage } from "./node-api.ts";
export { type Cluster, type ClusterOptions, startCluster } from "./start-cluster.ts";
export { openStore, type Store, type StoreOptions } from "./store/index.ts";
export { heyMain, loadtesterMain, podcliMain, podinfoMain, type Program, runProgram } from "./workloads/index.ts";
export { type Metrics, startMetrics, staticTarget } from "./metrics/index.ts";

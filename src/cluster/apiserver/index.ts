export { ensurePki, type Pki, type PkiOptions } from "./auth/pki.ts";
export { readLabelSelector } from "./select/label-selector.ts";
export type { KubeconfigOptions } from "./kubeconfig.ts";
export { type ApiServer, type ApiServerOptions, startApiServer } from "./start-api-server.ts";
export type { ServiceNetwork } from "./write/service-addresses.ts";
export { apiServerMain } from "./standalone.ts";

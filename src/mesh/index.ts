export { createProxy, type Proxy, type ProxyListener, type ProxyOptions } from "./net/proxy.ts";
export { compileMesh, type MeshConfig, type MeshObjects } from "./routing/compile-mesh.ts";
export { describeMesh } from "./routing/describe-mesh.ts";
export type { MeshFinding } from "./routing/finding.ts";

export { containerEnvironment } from "./container-environment.ts";
export { type Node, type NodeOptions, startNode } from "./node.ts";
export { requestToken } from "./service-account-token.ts";

export { nodeProxyMain } from "./node-proxy.ts";

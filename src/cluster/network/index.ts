export { acquireNetwork, type ClusterNetwork, POD_ADDRESS_COUNT } from "./network.ts";

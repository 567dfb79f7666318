export { type Node, type NodeOptions, startNode } from "./node.ts";

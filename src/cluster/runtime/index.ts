export { COMMAND_ANNOTATION } from "./image-store.ts";
export { type Node, type NodeOptions, startNode } from "./node.ts";
export { NODE_NAME } from "./node-object.ts";

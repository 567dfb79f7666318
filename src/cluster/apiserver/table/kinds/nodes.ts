import type { KubeObject } from "#api";
import {
  ageColumn,
  ageOf,
  at,
  hasCondition,
  listAt,
  mapAt,
  NONE,
  nameColumn,
  nameOf,
  type Printer,
  text,
  textAt,
  UNKNOWN,
  wide,
} from "../printer.ts";

/** Nodes. Source: kubernetes `printers/internalversion.printNode`. */
export const nodePrinter: Printer = {
  columns: [
    nameColumn,
    text("Status", "Whether the node is ready and takes pods."),
    text("Roles", "Roles of the node."),
    ageColumn,
    text("Version", "Version of its kubelet."),
    wide(text("Internal-IP", "Address inside the cluster.")),
    wide(text("External-IP", "Address from outside.")),
    wide(text("OS-Image", "Operating system.")),
    wide(text("Kernel-Version", "Kernel.")),
    wide(text("Container-Runtime", "What runs the containers.")),
  ],
  cells: (node, nowMs) => [
    nameOf(node),
    nodeStatus(node),
    nodeRoles(node),
    ageOf(node, nowMs),
    textAt(node, "status", "nodeInfo", "kubeletVersion"),
    nodeAddress(node, "InternalIP"),
    nodeAddress(node, "ExternalIP"),
    textAt(node, "status", "nodeInfo", "osImage") || UNKNOWN,
    textAt(node, "status", "nodeInfo", "kernelVersion") || UNKNOWN,
    textAt(node, "status", "nodeInfo", "containerRuntimeVersion") || UNKNOWN,
  ],
};

function nodeStatus(node: KubeObject): string {
  const conditions = listAt(node, "status", "conditions");
  const isKnown = conditions.some((condition) => textAt(condition, "type") === "Ready");
  const ready = hasCondition(conditions, "Ready") ? "Ready" : "NotReady";
  const state = isKnown ? ready : "Unknown";
  return at(node, "spec", "unschedulable") === true ? `${state},SchedulingDisabled` : state;
}

const ROLE_LABEL_PREFIX = "node-role.kubernetes.io/";
const OLD_ROLE_LABEL = "kubernetes.io/role";

function nodeRoles(node: KubeObject): string {
  const labels = mapAt(node, "metadata", "labels");
  const roles = new Set<string>();
  for (const [key, value] of Object.entries(labels)) {
    if (key.startsWith(ROLE_LABEL_PREFIX)) roles.add(key.slice(ROLE_LABEL_PREFIX.length));
    else if (key === OLD_ROLE_LABEL) roles.add(String(value));
  }
  roles.delete("");
  return [...roles].sort().join(",") || NONE;
}

function nodeAddress(node: KubeObject, type: string): string {
  const address = listAt(node, "status", "addresses").find((entry) => textAt(entry, "type") === type);
  return textAt(address, "address") || NONE;
}

import type { KubeObject } from "#api";
import {
  ageColumn,
  ageOf,
  at,
  type Cell,
  hasCondition,
  listAt,
  NONE,
  nameColumn,
  nameOf,
  numberAt,
  type Printer,
  sinceTime,
  text,
  textAt,
  wide,
} from "../printer.ts";

/** Pods. Source: kubernetes `printers/internalversion.printPod`. */
export const podPrinter: Printer = {
  columns: [
    nameColumn,
    text("Ready", "Containers that are ready, of all containers."),
    text("Status", "State of the pod, with the reason when it does not run."),
    text("Restarts", "Restarts of the containers, and how long ago the last one was."),
    ageColumn,
    wide(text("IP", "Address of the pod.")),
    wide(text("Node", "Node that runs the pod.")),
    wide(text("Nominated Node", "Node whose pods are evicted for this one.")),
    wide(text("Readiness Gates", "Conditions that must hold before the pod is ready, and how many do.")),
  ],
  cells: printPod,
};

function printPod(pod: KubeObject, nowMs: number): readonly Cell[] {
  const summary = summarize(pod);
  const restarts =
    summary.restartCount > 0 && summary.lastRestart !== ""
      ? `${summary.restartCount} (${sinceTime(summary.lastRestart, nowMs)} ago)`
      : String(summary.restartCount);
  return [
    nameOf(pod),
    `${summary.readyCount}/${summary.containerCount}`,
    summary.reason,
    restarts,
    ageOf(pod, nowMs),
    textAt(listAt(pod, "status", "podIPs")[0], "ip") || textAt(pod, "status", "podIP") || NONE,
    textAt(pod, "spec", "nodeName") || NONE,
    textAt(pod, "status", "nominatedNodeName") || NONE,
    readinessGates(pod),
  ];
}

interface PodSummary {
  readonly reason: string;
  readonly readyCount: number;
  readonly containerCount: number;
  readonly restartCount: number;
  /** When a container last ended, as RFC 3339; empty when none did. */
  readonly lastRestart: string;
}

function summarize(pod: KubeObject): PodSummary {
  const init = summarizeInit(pod);
  const isInitialized = hasCondition(listAt(pod, "status", "conditions"), "Initialized");
  const main = init.isInitializing && !isInitialized ? undefined : summarizeMain(pod, init.reason ?? phaseReason(pod));
  const restarts = main === undefined ? init.allRestarts : addRestarts(init.sidecarRestarts, main.restarts);
  const containerCount =
    listAt(pod, "spec", "containers").length + listAt(pod, "spec", "initContainers").filter(isSidecar).length;
  return {
    reason: deletionReason(pod) ?? main?.reason ?? init.reason ?? phaseReason(pod),
    readyCount: init.readyCount + (main?.readyCount ?? 0),
    containerCount,
    restartCount: restarts.count,
    lastRestart: restarts.last,
  };
}

interface Restarts {
  readonly count: number;
  readonly last: string;
}

const noRestarts: Restarts = { count: 0, last: "" };

function restartsOf(status: unknown): Restarts {
  return { count: numberAt(status, "restartCount"), last: textAt(status, "lastState", "terminated", "finishedAt") };
}

function addRestarts(a: Restarts, b: Restarts): Restarts {
  return { count: a.count + b.count, last: a.last > b.last ? a.last : b.last };
}

function phaseReason(pod: KubeObject): string {
  const conditions = listAt(pod, "status", "conditions");
  const isGated = conditions.some(
    (c) => textAt(c, "type") === "PodScheduled" && textAt(c, "reason") === "SchedulingGated",
  );
  if (isGated) return "SchedulingGated";
  return textAt(pod, "status", "reason") || textAt(pod, "status", "phase");
}

function deletionReason(pod: KubeObject): string | undefined {
  if (pod.metadata.deletionTimestamp === undefined) return undefined;
  if (textAt(pod, "status", "reason") === "NodeLost") return "Unknown";
  const phase = textAt(pod, "status", "phase");
  return phase === "Succeeded" || phase === "Failed" ? undefined : "Terminating";
}

/** An init container that keeps running beside the main ones. */
function isSidecar(container: unknown): boolean {
  return textAt(container, "restartPolicy") === "Always";
}

interface InitSummary {
  readonly isInitializing: boolean;
  readonly reason: string | undefined;
  readonly readyCount: number;
  readonly allRestarts: Restarts;
  readonly sidecarRestarts: Restarts;
}

function summarizeInit(pod: KubeObject): InitSummary {
  const containers = listAt(pod, "spec", "initContainers");
  const sidecars = new Set(containers.filter(isSidecar).map((container) => textAt(container, "name")));
  let allRestarts = noRestarts;
  let sidecarRestarts = noRestarts;
  let readyCount = 0;
  for (const [index, status] of listAt(pod, "status", "initContainerStatuses").entries()) {
    const sidecar = sidecars.has(textAt(status, "name"));
    allRestarts = addRestarts(allRestarts, restartsOf(status));
    if (sidecar) sidecarRestarts = addRestarts(sidecarRestarts, restartsOf(status));
    if (isDone(status)) continue;
    if (sidecar && at(status, "started") === true) {
      if (at(status, "ready") === true) readyCount += 1;
      continue;
    }
    const reason = initReason(status, `${index}/${containers.length}`);
    return { isInitializing: true, reason, readyCount, allRestarts, sidecarRestarts };
  }
  return { isInitializing: false, reason: undefined, readyCount, allRestarts, sidecarRestarts };
}

function isDone(status: unknown): boolean {
  return at(status, "state", "terminated", "exitCode") === 0;
}

function initReason(status: unknown, progress: string): string {
  const terminated = at(status, "state", "terminated");
  if (terminated !== undefined) return `Init:${endReason(terminated)}`;
  const waiting = textAt(status, "state", "waiting", "reason");
  return waiting !== "" && waiting !== "PodInitializing" ? `Init:${waiting}` : `Init:${progress}`;
}

/** How a container ended: its reason, else its signal or exit code. */
function endReason(terminated: unknown): string {
  const reason = textAt(terminated, "reason");
  if (reason !== "") return reason;
  const signal = numberAt(terminated, "signal");
  return signal === 0 ? `ExitCode:${numberAt(terminated, "exitCode")}` : `Signal:${signal}`;
}

interface MainSummary {
  readonly reason: string;
  readonly readyCount: number;
  readonly restarts: Restarts;
}

function summarizeMain(pod: KubeObject, phase: string): MainSummary {
  let reason = phase;
  let readyCount = 0;
  let restarts = noRestarts;
  // From the last to the first, so that the first container that is not well gives the reason.
  for (const status of [...listAt(pod, "status", "containerStatuses")].reverse()) {
    restarts = addRestarts(restarts, restartsOf(status));
    const waiting = textAt(status, "state", "waiting", "reason");
    const terminated = at(status, "state", "terminated");
    if (waiting !== "") reason = waiting;
    else if (terminated !== undefined) reason = endReason(terminated);
    else if (at(status, "ready") === true && at(status, "state", "running") !== undefined) readyCount += 1;
  }
  // A container that completed does not make the pod complete while another runs.
  if (reason === "Completed" && readyCount > 0) {
    reason = hasCondition(listAt(pod, "status", "conditions"), "Ready") ? "Running" : "NotReady";
  }
  return { reason, readyCount, restarts };
}

function readinessGates(pod: KubeObject): string {
  const gates = listAt(pod, "spec", "readinessGates");
  if (gates.length === 0) return NONE;
  const conditions = listAt(pod, "status", "conditions");
  const heldCount = gates.filter((gate) => hasCondition(conditions, textAt(gate, "conditionType"))).length;
  return `${heldCount}/${gates.length}`;
}

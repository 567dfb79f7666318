import type { Condition, ContainerState, ContainerStatus, Pod, PodStatus } from "#api";
import type { ContainerRun, Ended, PodState } from "./pod-state.ts";
import { isReady } from "./step.ts";

/** What the status says beyond the lifecycle. */
export interface StatusFacts {
  readonly podIp: string;
  readonly hostIp: string;
  /** Conditions that the object has now: their transition times are kept, and those of readiness gates read. */
  readonly conditions: readonly Condition[];
  readonly readinessGates: readonly string[];
  readonly nowMs: number;
}

/** Writes a time as Kubernetes does: RFC 3339, whole seconds. */
export function formatTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** The status that a kubelet would report for a pod in this state. */
export function podStatus(state: PodState, facts: StatusFacts): PodStatus {
  const init = state.containers.filter(({ plan }) => plan.isInit).map(containerStatus);
  const phase = podPhase(state);
  return {
    phase,
    conditions: podConditions(state, phase, facts),
    hostIP: facts.hostIp,
    podIP: facts.podIp,
    podIPs: [{ ip: facts.podIp }],
    startTime: formatTime(state.startedMs),
    ...(init.length === 0 ? {} : { initContainerStatuses: init }),
    containerStatuses: state.containers.filter(({ plan }) => !plan.isInit).map(containerStatus),
  };
}

/** How often a container was started again, as the API counts it; also the number of its current log. */
export function restartCount(container: ContainerRun): number {
  const { phase, endedCount } = container;
  const isUp = phase.type === "running" || (phase.type === "starting" && endedCount > 0);
  return isUp ? endedCount : Math.max(0, endedCount - 1);
}

function containerStatus(container: ContainerRun): ContainerStatus {
  const { plan, phase, last } = container;
  const isSuccessfulInit = plan.isInit && phase.type === "ended" && phase.exitCode === 0;
  const id = phase.type === "running" || phase.type === "ended" ? phase.containerId : last?.containerId;
  return {
    name: plan.name,
    image: plan.image,
    imageID: container.run === 0 ? "" : plan.image,
    ready: isSuccessfulInit || isReady(container),
    restartCount: restartCount(container),
    started: phase.type === "running" && phase.isStarted && !phase.isHookPending,
    ...(id === undefined ? {} : { containerID: id }),
    state: containerState(container),
    lastState: last === undefined ? {} : { terminated: terminated(last) },
  };
}

function containerState({ phase }: ContainerRun): ContainerState {
  if (phase.type === "running") return { running: { startedAt: formatTime(phase.startedMs) } };
  if (phase.type === "ended") return { terminated: terminated(phase) };
  const { reason, message } = phase.type === "starting" ? phase.after : phase;
  return { waiting: { reason, ...(message === undefined ? {} : { message }) } };
}

function terminated(ended: Ended): NonNullable<ContainerState["terminated"]> {
  return {
    exitCode: ended.exitCode,
    reason: ended.reason,
    ...(ended.message === undefined ? {} : { message: ended.message }),
    startedAt: formatTime(ended.startedMs ?? ended.finishedMs),
    finishedAt: formatTime(ended.finishedMs),
    ...(ended.containerId === undefined ? {} : { containerID: ended.containerId }),
  };
}

/** Source: kubelet, getPhase. A container that waits to be started again counts as stopped. */
function podPhase(state: PodState): NonNullable<PodStatus["phase"]> {
  const { restartPolicy } = state.plan;
  const init = state.containers.filter(({ plan }) => plan.isInit);
  const main = state.containers.filter(({ plan }) => !plan.isInit);
  const isInitFailed = init.some(({ phase }) => phase.type === "ended" && phase.exitCode !== 0);
  if (isInitFailed && restartPolicy === "Never") return "Failed";
  if (init.some(({ phase }) => phase.type !== "ended" || phase.exitCode !== 0)) return "Pending";
  if (main.some(({ phase, last }) => phase.type !== "running" && phase.type !== "ended" && last === undefined))
    return "Pending";
  if (main.some(({ phase }) => phase.type === "running")) return "Running";
  const codes = main.map(({ phase, last }) => (phase.type === "ended" ? phase.exitCode : last?.exitCode));
  if (main.some(({ phase }) => phase.type !== "ended")) return "Running";
  if (state.deletion === undefined && restartPolicy === "Always") return "Running";
  return codes.every((code) => code === 0) ? "Succeeded" : "Failed";
}

function podConditions(state: PodState, phase: string, facts: StatusFacts): readonly Condition[] {
  const isOver = phase === "Succeeded" || phase === "Failed";
  const overReason = phase === "Succeeded" ? "PodCompleted" : "PodFailed";
  const uninitialized = state.containers.filter(
    ({ plan, phase: at }) => plan.isInit && (at.type !== "ended" || at.exitCode !== 0),
  );
  const unready = state.containers.filter((container) => !container.plan.isInit && !isReady(container));
  const names = (containers: readonly ContainerRun[]): string => containers.map(({ plan }) => plan.name).join(" ");
  const notReady: Pick<Condition, "reason" | "message"> | undefined = isOver
    ? { reason: overReason }
    : unready.length > 0
      ? { reason: "ContainersNotReady", message: `containers with unready status: [${names(unready)}]` }
      : undefined;
  const initialized: Pick<Condition, "reason" | "message"> | undefined =
    phase === "Succeeded"
      ? { reason: overReason }
      : uninitialized.length > 0
        ? {
            reason: "ContainersNotInitialized",
            message: `containers with incomplete status: [${names(uninitialized)}]`,
          }
        : undefined;
  const isInitialized = uninitialized.length === 0;
  return [
    condition("Initialized", isInitialized, initialized),
    condition("Ready", ...readyCondition(notReady, facts)),
    condition("ContainersReady", notReady === undefined, notReady),
    condition("PodScheduled", true, undefined),
  ].map((item) => withTransition(item, facts));
}

type Why = Pick<Condition, "reason" | "message"> | undefined;

/** Ready follows from the containers and the readiness gates, which others set. */
function readyCondition(notReady: Why, facts: StatusFacts): [boolean, Why] {
  if (notReady !== undefined) return [false, notReady];
  const problems = facts.readinessGates.flatMap((type) => {
    const gate = facts.conditions.find((item) => item.type === type);
    if (gate === undefined) return [`corresponding condition of pod readiness gate "${type}" does not exist.`];
    return gate.status === "True"
      ? []
      : [`the status of pod readiness gate "${type}" is not "True", but ${gate.status}`];
  });
  return problems.length === 0
    ? [true, undefined]
    : [false, { reason: "ReadinessGatesNotReady", message: problems.join(", ") }];
}

function condition(type: string, isTrue: boolean, why: Why): Condition {
  return { type, status: isTrue ? "True" : "False", ...why };
}

function withTransition(item: Condition, { conditions, nowMs }: StatusFacts): Condition {
  const old = conditions.find((candidate) => candidate.type === item.type);
  const isSame = old?.status === item.status && old.lastTransitionTime !== undefined;
  return { ...item, lastTransitionTime: (isSame ? old.lastTransitionTime : undefined) ?? formatTime(nowMs) };
}

/** Reads what a pod's status says of the containers of an earlier life of the node; those that never ran are left out. */
export function earlierRuns(pod: Pod, nowMs: number): Map<string, { restartCount: number; last: Ended }> {
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  const runs = new Map<string, { restartCount: number; last: Ended }>();
  for (const { name, restartCount: count, state, lastState } of statuses) {
    const ended = state?.terminated ?? (state?.running === undefined ? lastState?.terminated : undefined);
    const startedAt = state?.running?.startedAt ?? ended?.startedAt;
    if (state?.running === undefined && ended === undefined) continue;
    runs.set(name, {
      restartCount: count,
      last: {
        type: "ended",
        // A process that was killed along with its node: 128 + SIGKILL.
        exitCode: ended?.exitCode ?? 137,
        reason: ended?.reason ?? "Error",
        message: ended?.message,
        startedMs: startedAt === undefined ? undefined : Date.parse(startedAt),
        finishedMs: ended?.finishedAt === undefined ? nowMs : Date.parse(ended.finishedAt),
        containerId: ended?.containerID,
      },
    });
  }
  return runs;
}

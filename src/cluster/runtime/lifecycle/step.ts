import { formatDuration, unreachable } from "#base";
import type {
  ContainerPhase,
  ContainerRun,
  Ended,
  PodAction,
  PodEvent,
  PodState,
  Running,
  Waiting,
} from "./pod-state.ts";
import { absorbProbe, beginProbe, probeDueMs, sendProbe } from "./probe-run.ts";
import { isRestarted, planRestart } from "./restart.ts";
import { advanceStop, beginStop, tightenStop } from "./stop.ts";

/** Between the mark of deletion and SIGTERM, for routers to take the pod's address out of use. */
export const LEAVE_MS = 250;
/** How long ErrImagePull shows before it becomes ImagePullBackOff. */
const PULL_ERROR_SHOWN_MS = 1000;
const RETRY_MS = { ErrImagePull: 10_000, CreateContainerConfigError: 2000, ContainerCreating: 1000 } as const;
/** Source: kubelet; the exit code and reason of a container whose program could not be executed. */
const START_ERROR = { exitCode: 128, reason: "StartError" } as const;

/** The next state of a pod and what to do for it. Events of an earlier run of a container change nothing. */
export function step(
  state: PodState,
  event: PodEvent,
  nowMs: number,
): { readonly state: PodState; readonly actions: readonly PodAction[] } {
  if (state.isFinished) return { state, actions: [] };
  const turn = new Turn(state, nowMs);
  absorb(turn, event);
  settle(turn);
  return { state: turn.state, actions: turn.actions };
}

/** When `step` wants a tick: the earliest retry, probe or deadline. Infinite when it waits for an event alone. */
export function nextDueMs(state: PodState): number {
  if (state.isFinished) return Number.POSITIVE_INFINITY;
  let dueMs = Number.POSITIVE_INFINITY;
  for (const { phase } of state.containers) {
    if (phase.type === "waiting" && state.deletion === undefined)
      dueMs = Math.min(dueMs, phase.retryAtMs ?? Number.POSITIVE_INFINITY);
    if (phase.type !== "running") continue;
    if (phase.stop !== undefined) dueMs = Math.min(dueMs, phase.stop.dueMs);
    else for (const probe of phase.probes) dueMs = Math.min(dueMs, probeDueMs(probe));
  }
  return dueMs;
}

/** Tells whether a container counts as ready. */
export function isReady({ phase }: ContainerRun): boolean {
  if (phase.type !== "running" || phase.isHookPending || !phase.isStarted) return false;
  const readiness = phase.probes.find((probe) => probe.plan.kind === "readiness");
  return readiness === undefined || readiness.isPassing === true;
}

/** The state under change during one call of `step`, and the actions collected so far. */
class Turn {
  state: PodState;
  readonly nowMs: number;
  readonly actions: PodAction[] = [];

  constructor(state: PodState, nowMs: number) {
    this.state = state;
    this.nowMs = nowMs;
  }

  find(name: string): ContainerRun | undefined {
    return this.state.containers.find((container) => container.plan.name === name);
  }

  put(container: ContainerRun): void {
    const { name } = container.plan;
    const containers = this.state.containers.map((old) => (old.plan.name === name ? container : old));
    this.state = { ...this.state, containers };
  }

  tell(container: ContainerRun | undefined, event: { warning?: boolean; reason: string; message: string }): void {
    const eventType = event.warning === true ? "Warning" : "Normal";
    const { reason, message } = event;
    this.actions.push({ type: "event", eventType, reason, message, container: container?.plan.name });
  }
}

function absorb(turn: Turn, event: PodEvent): void {
  if (event.type === "tick") return;
  if (event.type === "delete") {
    absorbDelete(turn, event.graceMs);
    return;
  }
  const container = turn.find(event.container);
  if (container === undefined || container.run !== event.run) return;
  const { phase } = container;
  switch (event.type) {
    case "refused":
      if (phase.type === "starting") absorbRefusal(turn, container, event);
      return;
    case "failed-to-start":
      if (phase.type === "starting") absorbFailedStart(turn, container, event.message);
      return;
    case "started":
      if (phase.type === "starting") absorbStarted(turn, container, event.containerId);
      return;
    case "exited":
      if (phase.type === "running") absorbExit(turn, { container, phase, exitCode: event.exitCode });
      return;
    case "probed":
      if (phase.type === "running") absorbProbed(turn, { container, phase, event });
      return;
    case "hook-ended":
      if (phase.type === "running") absorbHook(turn, { container, phase, event });
      return;
    default:
      unreachable(event);
  }
}

type EventOf<T extends PodEvent["type"]> = Extract<PodEvent, { type: T }>;
interface RunningContainer {
  readonly container: ContainerRun;
  readonly phase: Running;
}

function absorbDelete(turn: Turn, graceMs: number): void {
  const killAtMs = Math.min(turn.nowMs + graceMs, turn.state.deletion?.killAtMs ?? Number.POSITIVE_INFINITY);
  turn.state = { ...turn.state, deletion: { killAtMs } };
  for (const container of turn.state.containers) {
    const { phase } = container;
    if (phase.type !== "running") continue;
    if (phase.stop !== undefined) turn.put({ ...container, phase: tightenStop(phase, killAtMs) });
    else stopForDeletion(turn, { container, phase });
  }
}

function stopForDeletion(turn: Turn, { container, phase }: RunningContainer): void {
  const killAtMs = turn.state.deletion?.killAtMs ?? turn.nowMs;
  turn.tell(container, { reason: "Killing", message: `Stopping container ${container.plan.name}` });
  const graceMs = Math.max(0, killAtMs - turn.nowMs);
  const leaveMs = isReady(container) ? LEAVE_MS : 0;
  turn.put({ ...container, phase: beginStop(phase, { nowMs: turn.nowMs, graceMs, leaveMs }) });
}

function absorbRefusal(turn: Turn, container: ContainerRun, event: EventOf<"refused">): void {
  const { reason, message } = event;
  const shown = container.phase.type === "starting" ? container.phase.after : undefined;
  const { image } = container.plan;
  // The same refusal again is no news.
  if (shown?.message !== message) {
    if (reason === "ErrImagePull") {
      const text = `Failed to pull image "${image}": ${message}`;
      turn.tell(container, { warning: true, reason: "Failed", message: text });
      turn.tell(container, { warning: true, reason: "Failed", message: "Error: ErrImagePull" });
    } else if (reason === "CreateContainerConfigError") {
      turn.tell(container, { warning: true, reason: "Failed", message: `Error: ${message}` });
    } else {
      turn.tell(undefined, { warning: true, reason: "FailedMount", message });
    }
  }
  const isShownAlready = shown?.reason === "ImagePullBackOff" && shown.message === message;
  const waiting: Waiting = isShownAlready
    ? { ...shown, retryAtMs: turn.nowMs + RETRY_MS.ErrImagePull }
    : {
        type: "waiting",
        reason,
        message,
        retryAtMs: turn.nowMs + (reason === "ErrImagePull" ? PULL_ERROR_SHOWN_MS : RETRY_MS[reason]),
      };
  turn.put({ ...container, phase: waiting });
}

function absorbStarted(turn: Turn, container: ContainerRun, containerId: string): void {
  const { name, hasPostStart } = container.plan;
  tellCreated(turn, container);
  turn.tell(container, { reason: "Started", message: `Started container ${name}` });
  const { nowMs } = turn;
  const running: Running = {
    type: "running",
    startedMs: nowMs,
    containerId,
    isHookPending: hasPostStart,
    isStarted: false,
    probes: [],
    stop: undefined,
  };
  const begun = { ...container, phase: hasPostStart ? running : beginProbes(container, running, nowMs) };
  turn.put(begun);
  if (turn.state.deletion !== undefined) stopForDeletion(turn, { container: begun, phase: begun.phase });
  else if (hasPostStart) turn.actions.push({ type: "hook", container: name, run: container.run, hook: "postStart" });
}

function tellCreated(turn: Turn, container: ContainerRun): void {
  const { name, image } = container.plan;
  turn.tell(container, { reason: "Pulled", message: `Container image "${image}" already present on machine` });
  turn.tell(container, { reason: "Created", message: `Created container: ${name}` });
}

/** Startup probe first; the others when it has passed. */
function beginProbes(container: ContainerRun, running: Running, nowMs: number): Running {
  const startup = container.plan.probes.find((probe) => probe.kind === "startup");
  const isGated = startup !== undefined && !running.isStarted;
  const plans = isGated ? [startup] : container.plan.probes.filter((probe) => probe.kind !== "startup");
  const probes = plans.map((plan) => {
    const probe = beginProbe(plan, running.startedMs);
    return { ...probe, regularAtMs: Math.max(probe.regularAtMs, nowMs) };
  });
  return { ...running, isStarted: !isGated, probes };
}

function absorbFailedStart(turn: Turn, container: ContainerRun, message: string): void {
  tellCreated(turn, container);
  const { name } = container.plan;
  const text = `Error: failed to start container "${name}": ${message}`;
  turn.tell(container, { warning: true, reason: "Failed", message: text });
  const { nowMs } = turn;
  endRun(turn, container, {
    type: "ended",
    ...START_ERROR,
    message,
    startedMs: undefined,
    finishedMs: nowMs,
    containerId: undefined,
  });
}

function absorbExit(turn: Turn, { container, phase, exitCode }: RunningContainer & { exitCode: number }): void {
  endRun(turn, container, {
    type: "ended",
    exitCode,
    reason: exitCode === 0 ? "Completed" : "Error",
    message: undefined,
    startedMs: phase.startedMs,
    finishedMs: turn.nowMs,
    containerId: phase.containerId,
  });
}

function endRun(turn: Turn, container: ContainerRun, ended: Ended): void {
  const done: ContainerRun = { ...container, phase: ended, endedCount: container.endedCount + 1 };
  const { plan, deletion } = turn.state;
  const { isInit, name } = container.plan;
  if (deletion !== undefined || !isRestarted(plan.restartPolicy, { isInit, exitCode: ended.exitCode })) {
    turn.put(done);
    return;
  }
  const { delayMs, backoff } = planRestart(container.backoff, ended.finishedMs);
  const pod = `${plan.name}_${plan.namespace}(${plan.uid})`;
  const waiting: Waiting = {
    type: "waiting",
    reason: delayMs === 0 ? "ContainerCreating" : "CrashLoopBackOff",
    message:
      delayMs === 0 ? undefined : `back-off ${formatDuration(delayMs)} restarting failed container=${name} pod=${pod}`,
    retryAtMs: ended.finishedMs + delayMs,
  };
  if (delayMs > 0) {
    const message = `Back-off restarting failed container ${name} in pod ${pod}`;
    turn.tell(container, { warning: true, reason: "BackOff", message });
  }
  turn.put({ ...done, phase: waiting, last: ended, backoff });
}

function absorbProbed(turn: Turn, { container, phase, event }: RunningContainer & { event: EventOf<"probed"> }): void {
  const probe = phase.probes.find((candidate) => candidate.plan.kind === event.probe);
  if (probe === undefined || probe.inFlight === undefined || phase.stop !== undefined) return;
  const { run, isCountedFailure, turned } = absorbProbe(probe, event.isSuccess, turn.nowMs);
  const kind = event.probe;
  if (isCountedFailure) {
    const message = `${kind.slice(0, 1).toUpperCase()}${kind.slice(1)} probe failed: ${event.output}`;
    turn.tell(container, { warning: true, reason: "Unhealthy", message });
  }
  const probes = phase.probes.map((candidate) => (candidate.plan.kind === kind ? run : candidate));
  const next: Running = { ...phase, probes };
  if (kind === "startup" && turned === "passing") {
    turn.put({ ...container, phase: beginProbes(container, { ...next, isStarted: true }, turn.nowMs) });
    return;
  }
  if (kind === "readiness" || turned !== "failing") {
    turn.put({ ...container, phase: next });
    return;
  }
  const message = `Container ${container.plan.name} failed ${kind} probe, will be restarted`;
  turn.tell(container, { reason: "Killing", message });
  const graceMs = run.plan.graceMs ?? turn.state.plan.graceMs;
  turn.put({ ...container, phase: beginStop(next, { nowMs: turn.nowMs, graceMs, leaveMs: 0 }) });
}

function absorbHook(
  turn: Turn,
  { container, phase, event }: RunningContainer & { event: EventOf<"hook-ended"> },
): void {
  const { name } = container.plan;
  if (event.hook === "preStop") {
    if (event.problem !== undefined)
      turn.tell(container, {
        warning: true,
        reason: "FailedPreStopHook",
        message: `PreStopHook failed: ${event.problem}`,
      });
    if (phase.stop?.stage === "pre-stop")
      turn.put({ ...container, phase: { ...phase, stop: { ...phase.stop, dueMs: turn.nowMs } } });
    return;
  }
  const running: Running = { ...phase, isHookPending: false };
  if (phase.stop !== undefined) {
    turn.put({ ...container, phase: running });
    return;
  }
  if (event.problem === undefined) {
    turn.put({ ...container, phase: beginProbes(container, running, turn.nowMs) });
    return;
  }
  const message = `PostStartHook failed: ${event.problem}`;
  turn.tell(container, { warning: true, reason: "FailedPostStartHook", message });
  turn.tell(container, { reason: "Killing", message: `FailedPostStartHook: stopping container ${name}` });
  const graceMs = turn.state.plan.graceMs;
  turn.put({ ...container, phase: beginStop(running, { nowMs: turn.nowMs, graceMs, leaveMs: 0 }) });
}

/** Does everything that is due by now, container by container in order. */
function settle(turn: Turn): void {
  for (const { plan } of turn.state.containers) {
    const container = turn.find(plan.name);
    if (container === undefined) continue;
    const { phase } = container;
    if (phase.type === "waiting") settleWaiting(turn, container, phase);
    if (phase.type === "running") settleRunning(turn, { container, phase });
  }
  const { deletion, containers } = turn.state;
  const isBusy = containers.some(({ phase }) => phase.type === "running" || phase.type === "starting");
  if (deletion === undefined || isBusy) return;
  turn.state = { ...turn.state, isFinished: true };
  turn.actions.push({ type: "finish" });
}

function settleWaiting(turn: Turn, container: ContainerRun, waiting: Waiting): void {
  if (turn.state.deletion !== undefined || !mayStart(turn.state, container)) return;
  if ((waiting.retryAtMs ?? turn.nowMs) > turn.nowMs) return;
  if (waiting.reason === "ErrImagePull") {
    const message = `Back-off pulling image "${container.plan.image}"`;
    turn.tell(container, { reason: "BackOff", message });
    turn.tell(container, { warning: true, reason: "Failed", message: "Error: ImagePullBackOff" });
    const retryAtMs = turn.nowMs + RETRY_MS.ErrImagePull;
    turn.put({ ...container, phase: { ...waiting, reason: "ImagePullBackOff", retryAtMs } });
    return;
  }
  const run = container.run + 1;
  turn.put({ ...container, run, phase: { type: "starting", after: waiting } });
  turn.actions.push({ type: "start", container: container.plan.name, run });
}

/** Init containers start one after the other, the others together when all of them have succeeded. */
function mayStart(state: PodState, container: ContainerRun): boolean {
  for (const other of state.containers) {
    if (other.plan.name === container.plan.name) return true;
    if (other.plan.isInit && !hasSucceeded(other.phase)) return false;
  }
  return true;
}

function hasSucceeded(phase: ContainerPhase): boolean {
  return phase.type === "ended" && phase.exitCode === 0;
}

function settleRunning(turn: Turn, { container, phase }: RunningContainer): void {
  const { nowMs } = turn;
  if (phase.stop !== undefined) {
    let stop = phase.stop;
    // Four stages: a stop without a grace period passes all that are left at once.
    for (let pass = 0; pass < 4 && nowMs >= stop.dueMs; pass++) {
      const moved = advanceStop(container, stop, nowMs);
      turn.actions.push(...moved.actions);
      stop = moved.stop;
    }
    turn.put({ ...container, phase: { ...phase, stop } });
    return;
  }
  const due = phase.probes.filter((probe) => probeDueMs(probe) <= nowMs);
  if (due.length === 0) return;
  const probes = phase.probes.map((probe) => (due.includes(probe) ? sendProbe(probe, nowMs) : probe));
  turn.put({ ...container, phase: { ...phase, probes } });
  for (const { plan } of due)
    turn.actions.push({ type: "probe", container: container.plan.name, run: container.run, probe: plan.kind });
}

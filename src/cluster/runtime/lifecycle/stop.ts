import type { ContainerRun, PodAction, Running, Stop } from "./pod-state.ts";

/** What a preStop hook that used up the grace period leaves for SIGTERM. Source: kubelet, minimumGracePeriodInSeconds. */
const LEAST_TERM_MS = 2000;
/** A process in the kernel's hands may outlive one SIGKILL for a while; the signal is then sent again. */
const KILL_AGAIN_MS = 5000;

/** Begins to stop a running container; `leaveMs` is the head start of those who still send it requests. */
export function beginStop(running: Running, times: { nowMs: number; graceMs: number; leaveMs: number }): Running {
  const { nowMs, graceMs, leaveMs } = times;
  const killAtMs = nowMs + graceMs;
  const stop: Stop =
    graceMs === 0
      ? { stage: "terminating", dueMs: nowMs, killAtMs }
      : { stage: "leaving", dueMs: Math.min(nowMs + leaveMs, killAtMs), killAtMs };
  return { ...running, stop };
}

/** Shortens the grace period of a stop that has begun; it is never lengthened. */
export function tightenStop(running: Running, killAtMs: number): Running {
  const { stop } = running;
  if (stop === undefined || stop.killAtMs <= killAtMs) return running;
  return { ...running, stop: { ...stop, killAtMs, dueMs: Math.min(stop.dueMs, killAtMs) } };
}

/**
 * Moves a stop on as far as time allows.
 *
 * leaving → (pre-stop →) terminating → killed
 */
export function advanceStop(
  container: ContainerRun,
  stop: Stop,
  nowMs: number,
): { readonly stop: Stop; readonly actions: readonly PodAction[] } {
  if (nowMs < stop.dueMs) return { stop, actions: [] };
  const { name, hasPreStop } = container.plan;
  switch (stop.stage) {
    case "leaving":
      if (!hasPreStop) return terminate(name, stop, stop.killAtMs);
      return {
        stop: { ...stop, stage: "pre-stop", dueMs: stop.killAtMs },
        actions: [{ type: "hook", container: name, run: container.run, hook: "preStop" }],
      };
    case "pre-stop":
      return terminate(name, stop, Math.max(stop.killAtMs, nowMs + LEAST_TERM_MS));
    case "terminating":
    case "killed":
      return {
        stop: { ...stop, stage: "killed", dueMs: nowMs + KILL_AGAIN_MS },
        actions: [{ type: "signal", container: name, signal: "SIGKILL" }],
      };
  }
}

function terminate(container: string, stop: Stop, dueMs: number): { stop: Stop; actions: PodAction[] } {
  return {
    stop: { ...stop, stage: "terminating", dueMs },
    actions: [{ type: "signal", container, signal: "SIGTERM" }],
  };
}

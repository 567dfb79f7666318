import type { PodPlan } from "./pod-plan.ts";
import type { RestartBackoff } from "./pod-state.ts";

/** Source: kubelet, MaxContainerBackOff and backOffPeriod: 10 s, doubling, at most 5 min, forgotten after twice the most. */
const INITIAL_MS = 10_000;
const MAX_MS = 300_000;
const FORGET_AFTER_MS = 2 * MAX_MS;

/** Tells whether a container that ended is started again. An init container that succeeded is done under every policy. */
export function isRestarted(
  policy: PodPlan["restartPolicy"],
  container: { isInit: boolean; exitCode: number },
): boolean {
  if (container.exitCode === 0) return policy === "Always" && !container.isInit;
  return policy !== "Never";
}

/** When a container that ended is started again: the first time at once, then after a back-off that doubles. */
export function planRestart(
  backoff: RestartBackoff | undefined,
  finishedMs: number,
): { readonly delayMs: number; readonly backoff: RestartBackoff } {
  if (backoff === undefined || finishedMs - backoff.usedMs > FORGET_AFTER_MS)
    return { delayMs: 0, backoff: { delayMs: INITIAL_MS, usedMs: finishedMs } };
  const { delayMs } = backoff;
  return { delayMs, backoff: { delayMs: Math.min(delayMs * 2, MAX_MS), usedMs: finishedMs + delayMs } };
}

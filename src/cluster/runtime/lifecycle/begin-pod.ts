import type { ContainerPlan, PodPlan } from "./pod-plan.ts";
import type { ContainerPhase, ContainerRun, Ended, PodState } from "./pod-state.ts";

/** What is known of a container from an earlier life of the node. */
export interface EarlierRun {
  readonly restartCount: number;
  readonly last: Ended;
}

/** What is known of a pod from an earlier life of the node. */
export interface Beginning {
  readonly nowMs: number;
  readonly earlier?: ReadonlyMap<string, EarlierRun>;
  /** The pod has succeeded or failed: nothing is started again. */
  readonly isOver?: boolean;
}

/** The state of a pod that the node has just taken on. */
export function beginPod(plan: PodPlan, { nowMs, earlier = new Map(), isOver = false }: Beginning): PodState {
  // A pod that is never started again has failed when its node was killed under it.
  const hasRun = plan.containers.some((container) => !container.isInit && earlier.has(container.name));
  const isDone = isOver || (plan.restartPolicy === "Never" && hasRun);
  const containers = plan.containers.map((container): ContainerRun => {
    const before = earlier.get(container.name);
    return {
      plan: container,
      phase: isDone ? (before?.last ?? unknownEnd(nowMs)) : beginContainer(plan, container, before),
      last: before?.last,
      run: 0,
      endedCount: before === undefined ? 0 : before.restartCount + 1,
      backoff: undefined,
    };
  });
  return { plan, startedMs: nowMs, containers, deletion: undefined, isFinished: false };
}

function beginContainer(plan: PodPlan, container: ContainerPlan, before: EarlierRun | undefined): ContainerPhase {
  if (before?.last.exitCode === 0 && plan.restartPolicy !== "Always" && !container.isInit) return before.last;
  const hasInit = plan.containers.some((other) => other.isInit);
  const reason = hasInit ? "PodInitializing" : "ContainerCreating";
  return { type: "waiting", reason, message: undefined, retryAtMs: undefined };
}

/** Source: kubelet; how it reports a container of which it has lost track. */
function unknownEnd(nowMs: number): Ended {
  return {
    type: "ended",
    exitCode: 137,
    reason: "ContainerStatusUnknown",
    message: "The container could not be located when the pod was terminated",
    startedMs: undefined,
    finishedMs: nowMs,
    containerId: undefined,
  };
}

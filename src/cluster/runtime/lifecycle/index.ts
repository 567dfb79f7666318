export { beginPod } from "./begin-pod.ts";
export { type ContainerPlan, type PodPlan, type ProbeKind, planPod } from "./pod-plan.ts";
export type { PodAction, PodEvent, PodState } from "./pod-state.ts";
export { earlierRuns, formatTime, podStatus, restartCount } from "./pod-status.ts";
export { nextDueMs, step } from "./step.ts";

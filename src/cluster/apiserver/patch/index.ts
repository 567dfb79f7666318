export { type Conflict, conflictCause, conflictMessage } from "./conflicts.ts";
export { applyJsonPatch } from "./json-patch.ts";
export { applyMergePatch } from "./merge-patch.ts";
export type { PatchProblem, PatchProblemCode } from "./patch-problem.ts";
export { type ApplyRefusal, type ServerSideApplyOptions, serverSideApply } from "./server-side-apply.ts";
export { applyStrategicMergePatch, type StrategicMergeOptions } from "./strategic-merge-patch.ts";
export { type TrackUpdateOptions, trackUpdate, type WriteContext } from "./track-update.ts";

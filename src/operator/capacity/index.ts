export { createFloorMemory, type FloorMemory } from "./floor-memory.ts";
export { floorProblem } from "./floor-problems.ts";
export {
  configuredFloor,
  type CopyName,
  floorConfigName,
  type FloorConfigPlan,
  floorTriggerIndex,
  planFloorConfig,
} from "./floor-trigger.ts";
export { generatedHpaName } from "./generated-hpa.ts";
export {
  boundsOf,
  type FloorPlan,
  heldFloor,
  planFloor,
  planRelease,
} from "./plan-floor.ts";
export { type CopyTimes, createPodTimes, type PodTimes } from "./pod-times.ts";
export { podsForLoad } from "./pods-for-load.ts";
export { protectedCount } from "./protected-count.ts";
export { quotaRoom } from "./quota-room.ts";
export { createMarkIndex, type MarkedObject, type MarkIndex } from "./mark-index.ts";
export { type Holding, markedResource, planSweep } from "./plan-sweep.ts";
export { withRestMark } from "./rest-mark.ts";

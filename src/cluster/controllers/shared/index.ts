export {
  type Controller,
  type ControllerPorts,
  createSharedInformers,
  runController,
  type SharedInformers,
} from "./controller.ts";
export { discoverResources, findKind, type ServedResource } from "./discovery.ts";
export { keyOf, objectKey, parseKey } from "./object-key.ts";
export { controllerOf, controllerReference, planClaims } from "./ownership.ts";
export {
  availableInMs,
  formatTime,
  isPodActive,
  isPodEnded,
  isPodReady,
  readyCondition,
  readyTransitionMs,
  timeMs,
} from "./pod-state.ts";
export { createWriteLedger, type WriteLedger } from "./write-ledger.ts";
export { createPods, deletePods } from "./pod-writes.ts";
export { type EventText, listOrNull, ownerReferencesPatch, performWrites, recordAbout, type Write } from "./writes.ts";

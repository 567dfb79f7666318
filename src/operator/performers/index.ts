export { addFinalizer, clearIntent, removeFinalizer } from "./write-canary.ts";
export { ensurePrimary, ensureService } from "./write-objects.ts";
export { restoreApex, restoreRoutes, setRoutes } from "./write-routes.ts";
export { nudgeReplicas } from "./nudge-replicas.ts";
export { forgetRefusals, isFloorRefused, setFloor } from "./set-floor.ts";
export { returnStrayFloors } from "./stray-floors.ts";
export { sweepCanary, sweepNamespace } from "./sweep-marks.ts";
export { ensureScaler, scaleTarget, settleScaler } from "./write-scalers.ts";

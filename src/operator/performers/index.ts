export { addFinalizer, clearIntent, removeFinalizer } from "./write-canary.ts";
export { ensurePrimary, ensureService } from "./write-objects.ts";
export { restoreApex, restoreRoutes, setRoutes } from "./write-routes.ts";
export { ensureScaler, scaleTarget, settleScaler } from "./write-scalers.ts";
export { setFloor } from "./set-floor.ts";

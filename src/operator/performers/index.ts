export { addFinalizer, clearIntent, removeFinalizer } from "./write-canary.ts";
export { ensurePrimary, ensureScaler, ensureService, scaleTarget } from "./write-objects.ts";
export { restoreApex, restoreRoutes, setRoutes } from "./write-routes.ts";
export { setFloor } from "./set-floor.ts";

export { boundFieldsOf, FLOOR_ANNOTATION, type FloorLease, readLease, specWithoutFloor } from "./floor-lease.ts";
export { type OtherScalers, otherScalers, scaledBy, scaledObjectOf } from "./other-scalers.ts";
export { AWAKE, FORCE_ACTIVATION, PAUSED_REPLICAS, pauseOf } from "./pauses.ts";
export type { Copy, Neighbour, PreflightFacts, ScalerFindings } from "./preflight-facts.ts";
export { preflight } from "./preflight.ts";
export { planTwin, readScaler, type Scaler, scalerResource, type TwinWrite } from "./scaler.ts";

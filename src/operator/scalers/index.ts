export { newPrimaryScaler, primaryScalerName, type ScalerPlan, syncedPrimaryScaler } from "./hpa.ts";

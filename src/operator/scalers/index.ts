export { newPrimaryScaler, primaryScalerName, syncedPrimaryScaler } from "./hpa.ts";

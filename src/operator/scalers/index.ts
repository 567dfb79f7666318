export { readScaler, type Scaler, scalerResource } from "./scaler.ts";

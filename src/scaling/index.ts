export { limit, type LimitedScale, type LimitInput, stabilize } from "./limit-scale.ts";
export { type AverageInput, proposeByAverage } from "./propose-by-average.ts";
export {
  initialMemory,
  rememberRecommendation,
  rememberScale,
  type ScaleMemory,
  type TimedCount,
} from "./scale-memory.ts";
export { isWithinTolerance, type Tolerance, toleranceOf } from "./tolerance.ts";

export { scaledObjectReviewer } from "./admission/scaled-object-reviewer.ts";
export { compileFormula } from "./formula/compile-formula.ts";
export { createKedaMetrics, type KedaMetrics } from "./keda-metrics.ts";
export type { CompileFormula } from "./reconcile-scaled-object.ts";
export { type ScaledObjects, type ScaledObjectsOptions, startScaledObjects } from "./scaled-object-controller.ts";
export { triggerKinds } from "./triggers/index.ts";

export { checkProvider, measure } from "./measure.ts";
export { metricFault, metricProblems } from "./metric-problems.ts";
export type { MeasureContext } from "./measure-context.ts";
export { createQueryBatcher, type QueryBatcher } from "./query-batcher.ts";
export { measureServedShare } from "./served-share.ts";
export { measureSamples } from "./measure-samples.ts";

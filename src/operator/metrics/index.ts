export { checkProvider, measure } from "./measure.ts";
export type { MeasureContext } from "./measure-context.ts";
export { createQueryBatcher, type QueryBatcher } from "./query-batcher.ts";
export { measureServedShare } from "./served-share.ts";

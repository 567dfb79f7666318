export { checkProvider, type MeasureContext, measure } from "./measure.ts";

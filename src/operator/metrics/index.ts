export { checkProvider, type MeasureContext, type Measurement, measure } from "./measure.ts";
export { renderTemplate, type TemplateValues } from "./template.ts";

export { type Panel, plotSvg } from "./plot-svg.ts";
export type { AppModel, AutoscalerModel, Outcome, Sample, Scenario } from "./scenario.ts";
export { simulate } from "./simulate.ts";

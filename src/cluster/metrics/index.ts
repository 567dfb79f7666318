export { podTargets, type ScrapeTarget, staticTarget, type TargetStatus } from "./scrape/index.ts";
export { type Metrics, type MetricsOptions, startMetrics } from "./start-metrics.ts";
export { type ExpositionFormat, parseExposition, parseSeries } from "./exposition/parse-exposition.ts";

export { podTargets } from "./pod-targets.ts";
export { instanceOf, type ScrapeTarget, staticTarget } from "./scrape-target.ts";
export { type Scraper, scrapeTimeoutMs, startScraper, type TargetStatus } from "./scraper.ts";

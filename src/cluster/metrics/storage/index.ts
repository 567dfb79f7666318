export { type Journal, openJournal } from "./journal.ts";
export { createSampleStore, type SampleStore, type StoreStats } from "./sample-store.ts";
export type { StoredSeries } from "./series-samples.ts";

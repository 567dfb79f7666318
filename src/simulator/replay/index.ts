export { decodeRecording, type RecordedTick } from "./decode-recording.ts";
export { findReleases, type FoundReleases, type PastRelease, type ReleaseWindow } from "./past-releases.ts";
export type { CounterWindow, PodCounters } from "./pod-counters.ts";
export { type Replay, type ReplayedDecision, replayRelease } from "./replay-release.ts";
export { splitPods } from "./split-pods.ts";

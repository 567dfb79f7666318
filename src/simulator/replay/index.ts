export { decodeRecording, type RecordedTick } from "./decode-recording.ts";
export { type Replay, type ReplayedDecision, replayRelease } from "./replay-release.ts";
export { type CounterWindow, type PodCounters, splitPods } from "./split-pods.ts";

import { type PastRelease, type Replay, type SimulableCanary, replayRelease } from "#simulator";
import type { Screen } from "../output/screen.ts";
import {
  readReleases,
  type ReleasedService,
  scanChunks,
  scanForTraffic,
  type Stretch,
  stretchesOf,
} from "./read-releases.ts";

/** A release that happened, and what would have been decided about it. */
export interface JudgedRelease {
  readonly release: PastRelease;
  readonly replay: Replay;
}

export interface JudgedPast {
  /** The oldest first. */
  readonly releases: readonly JudgedRelease[];
  /** One sentence for each thing that was not judged. */
  readonly notes: readonly string[];
}

/** Releases that are read, the newest. */
const RELEASES_MAX = 50;
/** Longest stretch that is read, and what is read of the primary before it. */
const STRETCH_MAX_MS = 6 * 3_600_000;
const HISTORY_MS = 3_600_000;
/** Prometheus answers with 11,000 points of a series at most. */
const POINTS_MAX = 10_000;
const HISTORY_POINTS_MAX = 2000;

export interface PastQuestion {
  readonly release: SimulableCanary;
  readonly service: ReleasedService;
  readonly nowMs: number;
  readonly sinceMs: number;
  readonly stepMs: number;
}

/** Finds the releases of a service's past and judges each with the Canary as it is now. */
export async function judgePast(question: PastQuestion, screen: Screen, signal: AbortSignal): Promise<JudgedPast> {
  const { service, stepMs, release } = question;
  const found = await scan(question, screen, signal);
  const chosen = found.slice(-RELEASES_MAX);
  const historyMs = Math.min(HISTORY_MS, HISTORY_POINTS_MAX * stepMs);
  const lengthMs = Math.min(STRETCH_MAX_MS, POINTS_MAX * stepMs - historyMs);
  const releases: JudgedRelease[] = [];
  let leftOutCount = 0;
  for (const [index, stretch] of chosen.entries()) {
    screen.draw([`${index} of ${chosen.length} stretches with a canary, ${releases.length} releases`]);
    const cut: Stretch = { ...stretch, endMs: Math.min(stretch.endMs, stretch.startMs + lengthMs) };
    const inStretch = await readReleases(service, { stretch: cut, stepMs, historyMs }, signal);
    leftOutCount += inStretch.leftOutCount;
    for (const one of inStretch.releases) {
      releases.push({ release: one, replay: replayRelease(release.canary, one.ticks, one.weights) });
      signal.throwIfAborted();
    }
  }
  const longCount = chosen.filter(({ startMs, endMs }) => endMs - startMs > lengthMs).length;
  return {
    releases: releases.slice(-RELEASES_MAX),
    notes: [
      ...(found.length > chosen.length ? [`${found.length - chosen.length} older releases are left out`] : []),
      ...(longCount > 0 ? [`of ${longCount} releases only the first ${lengthMs / 60_000} minutes are judged`] : []),
      ...(leftOutCount > 0 ? [`${leftOutCount} are left out: too short, or begun before what was read`] : []),
    ],
  };
}

async function scan(
  { service, nowMs, sinceMs, stepMs }: PastQuestion,
  screen: Screen,
  signal: AbortSignal,
): Promise<readonly Stretch[]> {
  const chunks = scanChunks({ startMs: nowMs - sinceMs, endMs: nowMs });
  const timesMs: number[] = [];
  for (const [index, chunk] of chunks.entries()) {
    screen.draw([`looking for releases: ${index} of ${chunks.length} parts of the past`]);
    timesMs.push(...(await scanForTraffic(service, { chunk, stepMs }, signal)));
  }
  return stretchesOf(timesMs, stepMs);
}

import { type CopyCounts, PodHistory } from "../traffic/index.ts";
import type { RecordedTick } from "./decode-recording.ts";
import { measuredWeights } from "./measured-weights.ts";
import { countsAt, countsFromZero, historyOf, type PodCounters, sumOfPods, tickOf } from "./pod-counters.ts";

/** A stretch of the past in which a release may have been. */
export interface ReleaseWindow {
  readonly timesMs: readonly number[];
  /** What ended before is known from another window, and here for the primary's past alone. */
  readonly sinceMs: number;
  readonly boundsMs: readonly number[];
  readonly canary: readonly PodCounters[];
  readonly primary: readonly PodCounters[];
  /** Weight of the canary in percent at each time, where it was recorded. */
  readonly weights: readonly (number | undefined)[];
}

/** A release that happened. */
export interface PastRelease {
  /** Of the interval with the canary's first request, its beginning; milliseconds since the Unix epoch. */
  readonly beganMs: number;
  readonly ticks: readonly RecordedTick[];
  /** Weight of the canary in each tick. */
  readonly weights: readonly number[];
  readonly weightsFrom: "recorded" | "measured";
  readonly requests: { readonly canary: number; readonly primary: number };
  /** Whether it became the primary, as the names of the primary's pods tell; undefined where they tell nothing. */
  readonly wasPromoted: boolean | undefined;
}

export interface FoundReleases {
  readonly releases: readonly PastRelease[];
  /** Stretches with traffic of both copies that were no release to judge: too short, or begun before the window. */
  readonly leftOutCount: number;
}

/** A canary without a request for longer is the end of a release. */
const GAP_MS = 300_000;
/** A verdict takes an interval, and an interval has two ends. */
const TICKS_MIN = 2;

/** Finds the releases of a window: times in which the canary had requests beside the primary. */
export function findReleases(window: ReleaseWindow): FoundReleases {
  const intervals = intervalsOf(window);
  const atMs = (index: number): number => window.timesMs[index] ?? 0;
  const spans = spansOf(window, intervals).filter(({ last }) => atMs(last) > window.sinceMs);
  const whole = spans.filter(
    ({ first, last }) => first > 1 && atMs(first) > window.sinceMs && last - first + 1 >= TICKS_MIN,
  );
  return {
    releases: whole.map((span) => releaseOf(window, intervals, span)),
    leftOutCount: spans.length - whole.length,
  };
}

/** What both copies did in the interval that ends at an index. */
interface Interval {
  readonly canary: readonly (CopyCounts | undefined)[];
  readonly primary: readonly (CopyCounts | undefined)[];
}

/** By index; the first has no beginning. */
function intervalsOf({ timesMs, boundsMs, canary, primary }: ReleaseWindow): readonly Interval[] {
  const isSeen = (pods: readonly PodCounters[], index: number): boolean =>
    pods.some(({ requests }) => requests[index] !== undefined);
  const seen = new Set<PodCounters>();
  return timesMs.map((_, index) => {
    // While others were scraped, a pod that was not there had counted nothing.
    const wasScraped = index > 0 && (isSeen(primary, index - 1) || isSeen(canary, index - 1));
    const counts = (pod: PodCounters): CopyCounts | undefined => {
      const isNew = wasScraped && !seen.has(pod);
      const found = isNew ? countsFromZero(pod, index, boundsMs.length) : countsAt(pod, index, boundsMs.length);
      if (pod.requests[index] !== undefined) seen.add(pod);
      return found;
    };
    return { canary: canary.map(counts), primary: primary.map(counts) };
  });
}

/** Indexes of the intervals of a release. */
interface Span {
  readonly first: number;
  readonly last: number;
  readonly wasPromoted: boolean | undefined;
}

function spansOf({ timesMs, canary, primary }: ReleaseWindow, intervals: readonly Interval[]): Span[] {
  const spans: Span[] = [];
  let open: { first: number; last: number; canary: Set<string>; primary: Set<string>; isOver: boolean } | undefined;
  const close = (): void => {
    if (open === undefined) return;
    const { first, last, isOver } = open;
    spans.push({ first, last, wasPromoted: open.primary.size === 0 ? undefined : isOver });
    open = undefined;
  };
  for (const [index, interval] of intervals.entries()) {
    const canaryRevisions = revisionsOf(canary, interval.canary);
    const isActive = interval.canary.some(hasRequests) && interval.primary.some((counts) => counts !== undefined);
    if (!isActive) continue;
    const primaryRevisions = revisionsOf(primary, interval.primary);
    const sinceMs = (timesMs[index] ?? 0) - (timesMs[open?.last ?? index] ?? 0);
    if (open !== undefined && (sinceMs > GAP_MS || areDisjoint(open.canary, canaryRevisions))) close();
    open ??= { first: index, last: index, canary: canaryRevisions, primary: primaryRevisions, isOver: false };
    // Once the primary's own pods are new, both copies are the same version, and the release is promoted.
    if ([...primaryRevisions].some((revision) => open?.primary.has(revision) === false)) open.isOver = true;
    if (!open.isOver || sinceMs === 0) open.last = index;
    for (const revision of canaryRevisions) open.canary.add(revision);
  }
  close();
  return spans;
}

function hasRequests(counts: CopyCounts | undefined): boolean {
  return counts !== undefined && counts.total > 0;
}

/** Sets of which both say something, and nothing that is the same. */
function areDisjoint(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size > 0 && b.size > 0 && ![...b].some((item) => a.has(item));
}

/** The revisions of the pods that had requests, where their names tell them. */
function revisionsOf(pods: readonly PodCounters[], counts: readonly (CopyCounts | undefined)[]): Set<string> {
  return new Set(pods.flatMap(({ pod }, position) => (hasRequests(counts[position]) ? (revisionOf(pod) ?? []) : [])));
}

/** A Deployment's pod: name, hash of the revision, five letters of its own, none of them a vowel. Source: Kubernetes' `SafeEncodeString`. */
const DEPLOYMENT_POD = /^(.+-[bcdf-hj-np-tv-z2456789]{5,10})-[bcdf-hj-np-tv-z2456789]{5}$/;

function revisionOf(pod: string): string | undefined {
  return DEPLOYMENT_POD.exec(pod)?.[1];
}

function releaseOf(window: ReleaseWindow, intervals: readonly Interval[], span: Span): PastRelease {
  const { timesMs, boundsMs } = window;
  const { first, last, wasPromoted } = span;
  const chosen = intervals.slice(first, last + 1).map((interval, offset) => {
    const untilMs = timesMs[first + offset] ?? 0;
    const canary = sumOfPods(interval.canary, boundsMs.length);
    const primary = sumOfPods(interval.primary, boundsMs.length);
    const isKnown = [interval.canary, interval.primary].every((pods) => pods.some((counts) => counts !== undefined));
    return { canary, primary, tick: isKnown ? tickOf(boundsMs, { untilMs, canary, primary }) : missingTick(untilMs) };
  });
  const recorded = window.weights
    .slice(first - 1, last)
    .map((weight, offset) => weight || window.weights[first + offset]);
  const splits = chosen.map(({ canary, primary }) => ({ canary: canary.total, primary: primary.total }));
  const isRecorded = recorded.some((weight) => weight !== undefined && weight > 0);
  const sum = (read: (split: (typeof splits)[number]) => number): number =>
    splits.reduce((total, split) => total + read(split), 0);
  const ticks = chosen.map(({ tick }) => tick);
  return {
    beganMs: timesMs[first - 1] ?? 0,
    ticks: ticks.map((tick, index) => (index === 0 ? { ...tick, history: pastOf(window, intervals, first) } : tick)),
    weights: isRecorded ? filled(recorded) : measuredWeights(splits),
    weightsFrom: isRecorded ? "recorded" : "measured",
    requests: { canary: sum(({ canary }) => canary), primary: sum(({ primary }) => primary) },
    wasPromoted,
  };
}

/** Of one copy or both no sample is known, so nothing can be compared. Source: statistics reference 2.9. */
function missingTick(untilMs: number): RecordedTick {
  const missing = { kind: "missing", reason: "none", message: "nothing was recorded of a copy" } as const;
  return {
    untilMs,
    metrics: ["request-success-rate", "request-duration"].map((name) => ({ name, ...missing })),
  };
}

/** A weight holds until another is recorded; what comes before the first is the first. */
function filled(weights: readonly (number | undefined)[]): number[] {
  let last = weights.find((weight) => weight !== undefined && weight > 0) ?? 0;
  return weights.map((weight) => {
    if (weight !== undefined && weight > 0) last = weight;
    return last;
  });
}

/** The primary before the release. */
function pastOf(
  { primary, boundsMs }: ReleaseWindow,
  intervals: readonly Interval[],
  first: number,
): NonNullable<RecordedTick["history"]> {
  const history = new PodHistory({ podCount: primary.length, boundCount: boundsMs.length });
  for (const { primary: counts } of intervals.slice(1, first)) {
    for (const [position, one] of counts.entries()) if (one !== undefined) history.add(position, one);
    history.endTick();
  }
  return historyOf(boundsMs, history);
}

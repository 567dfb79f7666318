import type { CopyCounts, PodHistory } from "../traffic/index.ts";
import { addCopies } from "../peers/index.ts";
import type { RecordedTick } from "./decode-recording.ts";

/** Raw counters of one pod at the times of a window; undefined where there was none. */
export interface PodCounters {
  readonly pod: string;
  readonly requests: readonly (number | undefined)[];
  /** Absent until the first error. */
  readonly errors: readonly (number | undefined)[];
  /** By bound, requests that took at most as long. */
  readonly within: readonly (readonly (number | undefined)[])[];
}

/** A stretch of a service's past. */
export interface CounterWindow {
  readonly timesMs: readonly number[];
  readonly boundsMs: readonly number[];
  readonly pods: readonly PodCounters[];
}

/** What a pod did in the interval that ends at `index`; undefined when one of its ends is not known. */
export function countsAt(pod: PodCounters, index: number, boundCount: number): CopyCounts | undefined {
  const total = increase(pod.requests, index);
  return total === undefined ? undefined : countsOf(pod, { index, boundCount, total });
}

/** What a pod that is seen for the first time at `index` did since it began. Source: statistics reference 2.9. */
export function countsFromZero(pod: PodCounters, index: number, boundCount: number): CopyCounts | undefined {
  const total = pod.requests[index];
  return total === undefined ? undefined : countsOf(pod, { index, boundCount, total });
}

function countsOf(
  pod: PodCounters,
  { index, boundCount, total }: { readonly index: number; readonly boundCount: number; readonly total: number },
): CopyCounts {
  const isNew = pod.requests[index - 1] === undefined;
  // There is no series of errors before the first one.
  const bad = Math.min(total, grown(pod.errors[index - 1] ?? 0, pod.errors[index] ?? 0));
  let least = total;
  const above = Array.from({ length: boundCount }, (_, bound) => {
    const values = pod.within[bound] ?? [];
    const within = isNew ? values[index] : increase(values, index);
    // Series of one histogram may be scraped apart; a count above a bound is never more than above the one before.
    least = Math.max(0, Math.min(least, total - (within ?? total)));
    return least;
  });
  return { total, bad, above };
}

function increase(values: readonly (number | undefined)[], index: number): number | undefined {
  const [before, now] = [values[index - 1], values[index]];
  return before === undefined || now === undefined ? undefined : grown(before, now);
}

/** A counter that falls began anew. Source: statistics reference 2.9. */
function grown(before: number, now: number): number {
  return now >= before ? now - before : now;
}

/** The sum of pods of one copy; those of which nothing is known count nothing. */
export function sumOfPods(counts: readonly (CopyCounts | undefined)[], boundCount: number): CopyCounts {
  const none: CopyCounts = { total: 0, bad: 0, above: Array.from({ length: boundCount }, () => 0) };
  return counts.reduce<CopyCounts>((all, one) => (one === undefined ? all : addCopies(all, one)), none);
}

/** Both copies in one interval, as a recording has them. */
export function tickOf(
  boundsMs: readonly number[],
  { untilMs, canary, primary }: { readonly untilMs: number; readonly canary: CopyCounts; readonly primary: CopyCounts },
): RecordedTick {
  const arm = ({ total, bad }: CopyCounts) => ({ total, bad });
  const histogram = ({ total, above }: CopyCounts) => ({ boundsMs, above, total });
  return {
    untilMs,
    metrics: [
      { name: "request-success-rate", kind: "counts", arms: { canary: arm(canary), primary: arm(primary) } },
      { name: "request-duration", kind: "latency", canary: histogram(canary), primary: histogram(primary) },
    ],
  };
}

/** What is known of the primary before a release. */
export function historyOf(boundsMs: readonly number[], history: PodHistory): NonNullable<RecordedTick["history"]> {
  const { total, bad, above, errorDispersion, latencyDispersions } = history.summary();
  return [
    { name: "request-success-rate", dispersions: [errorDispersion], counts: { total, bad } },
    { name: "request-duration", dispersions: latencyDispersions, histogram: { boundsMs, above, total } },
  ];
}

import type { Random } from "#base";
import { type CopyCounts, PodHistory } from "../traffic/index.ts";
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

export interface SplitOptions {
  readonly random: Random;
  /** Intervals at the beginning that are the past, and not on trial. */
  readonly historyCount: number;
}

const BOTH_HALVES = 2;

/**
 * Takes a service that nobody released anything of for a release that changes nothing: one random half of the pods is the canary, the
 * other the primary. Whoever rolls that back is wrong. Undefined where there are not two pods to split.
 */
export function splitPods(window: CounterWindow, { random, historyCount }: SplitOptions): RecordedTick[] | undefined {
  const pods = window.pods.filter(({ requests }) => requests.some((count) => count !== undefined));
  if (pods.length < BOTH_HALVES) return undefined;
  const canaries = new Set(shuffled(pods, random).slice(0, Math.ceil(pods.length / BOTH_HALVES)));
  const history = new PodHistory({ podCount: pods.length, boundCount: window.boundsMs.length });
  const ticks: RecordedTick[] = [];
  for (let index = 1; index < window.timesMs.length; index += 1) {
    const counts = pods.map((pod) => countsAt(pod, index, window.boundsMs.length));
    if (index <= historyCount) {
      for (const [position, one] of counts.entries()) if (one !== undefined) history.add(position, one);
      history.endTick();
      continue;
    }
    const sum = (isCanary: boolean): CopyCounts => {
      const chosen = counts.filter(
        (one, position) => one !== undefined && canaries.has(pods[position] ?? NO_POD) === isCanary,
      );
      return chosen.reduce<CopyCounts>((all, one) => (one === undefined ? all : addCopies(all, one)), none(window));
    };
    ticks.push(tickOf(window, { untilMs: window.timesMs[index] ?? 0, canary: sum(true), primary: sum(false) }));
  }
  const [first, ...rest] = ticks;
  return first === undefined ? [] : [{ ...first, history: historyOf(window, history) }, ...rest];
}

const NO_POD: PodCounters = { pod: "", requests: [], errors: [], within: [] };

function none({ boundsMs }: CounterWindow): CopyCounts {
  return { total: 0, bad: 0, above: boundsMs.map(() => 0) };
}

/** Fisher and Yates' shuffle. */
function shuffled<T>(items: readonly T[], random: Random): T[] {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random.next() * (last + 1));
    const [a, b] = [order[last], order[other]];
    if (a !== undefined && b !== undefined) [order[last], order[other]] = [b, a];
  }
  return order;
}

/** What a pod did in the interval that ends at `index`; undefined when one of its ends is not known. */
function countsAt(pod: PodCounters, index: number, boundCount: number): CopyCounts | undefined {
  const total = increase(pod.requests, index);
  if (total === undefined) return undefined;
  // There is no series of errors before the first one.
  const bad = Math.min(total, grown(pod.errors[index - 1] ?? 0, pod.errors[index] ?? 0));
  let least = total;
  const above = Array.from({ length: boundCount }, (_, bound) => {
    // Series of one histogram may be scraped apart; a count above a bound is never more than above the one before.
    least = Math.max(0, Math.min(least, total - (increase(pod.within[bound] ?? [], index) ?? total)));
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

function tickOf(
  { boundsMs }: CounterWindow,
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

function historyOf({ boundsMs }: CounterWindow, history: PodHistory): NonNullable<RecordedTick["history"]> {
  const { total, bad, above, errorDispersion, latencyDispersions } = history.summary();
  return [
    { name: "request-success-rate", dispersions: [errorDispersion], counts: { total, bad } },
    { name: "request-duration", dispersions: latencyDispersions, histogram: { boundsMs, above, total } },
  ];
}

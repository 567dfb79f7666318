import type { Random } from "#base";
import { PodHistory } from "../traffic/index.ts";
import type { RecordedTick } from "./decode-recording.ts";
import { type CounterWindow, countsAt, historyOf, type PodCounters, sumOfPods, tickOf } from "./pod-counters.ts";

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
  const { timesMs, boundsMs } = window;
  const pods = window.pods.filter(({ requests }) => requests.some((count) => count !== undefined));
  if (pods.length < BOTH_HALVES) return undefined;
  const canaries = new Set(shuffled(pods, random).slice(0, Math.ceil(pods.length / BOTH_HALVES)));
  const isCanary = pods.map((pod: PodCounters) => canaries.has(pod));
  const history = new PodHistory({ podCount: pods.length, boundCount: boundsMs.length });
  const ticks: RecordedTick[] = [];
  for (let index = 1; index < timesMs.length; index += 1) {
    const counts = pods.map((pod) => countsAt(pod, index, boundsMs.length));
    if (index <= historyCount) {
      for (const [position, one] of counts.entries()) if (one !== undefined) history.add(position, one);
      history.endTick();
      continue;
    }
    const half = (ofCanary: boolean) =>
      sumOfPods(
        counts.filter((_, position) => isCanary[position] === ofCanary),
        boundsMs.length,
      );
    ticks.push(tickOf(boundsMs, { untilMs: timesMs[index] ?? 0, canary: half(true), primary: half(false) }));
  }
  const [first, ...rest] = ticks;
  return first === undefined ? [] : [{ ...first, history: historyOf(boundsMs, history) }, ...rest];
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

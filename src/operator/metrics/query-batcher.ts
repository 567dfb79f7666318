import type { Clock } from "#base";
import type { MetricResult } from "#rollout";
import type { Workload } from "./builtin-queries.ts";
import { QUERY_TIMEOUT_MS } from "./prometheus-client.ts";

/**
 * Lets Canaries that ask the same of different workloads share one query.
 *
 * Askers gather for a moment, one query goes out for them and for all who asked lately, and its answer serves everyone who
 * asks while it is young. So a server sees a few queries per metric and window, however many Canaries there are.
 *
 * How old a figure may be is the asker's to say: a Canary that changed its weight must not be judged by what was measured
 * before. An answer counts from the moment it was sent for, never from when it arrived.
 */
export interface QueryBatcher {
  /** Never rejects. An `error` means that the shared query was refused, and the asker should ask by itself. */
  ask(question: SharedQuestion): Promise<SharedAnswer>;
}

export interface SharedQuestion {
  /** The same for all questions that one query can answer: server, metric, window. */
  readonly key: string;
  readonly workloads: readonly Workload[];
  /** Answers that were asked for at this time or before are no use. */
  readonly notBeforeMs: number;
  /** Answers older than this are no use. */
  readonly maxAgeMs: number;
  readonly signal: AbortSignal;
  /** Sends the query for these workloads; never rejects. */
  send(workloads: readonly Workload[], signal: AbortSignal): Sent;
}

/** A query on its way, and which workloads it tells about. */
export interface Sent {
  readonly answer: Promise<SharedAnswer>;
  covers(workload: Workload): boolean;
}

export type SharedAnswer =
  | { readonly kind: "figures"; readonly of: (workload: Workload) => MetricResult }
  | Extract<MetricResult, { readonly message: string }>;

/** Long enough for Canaries that tick together, short against any analysis interval. */
const GATHER_MS = 20;
/** More questions at once would only queue up in the server. */
const MAX_IN_FLIGHT_COUNT = 2;
/** Who asked within this time is asked for again; longer than the usual analysis interval. */
const REMEMBER_MS = 5 * 60_000;
const MAX_REMEMBERED_COUNT = 5000;
/** A query that was refused is not sent again for a while. */
const REFUSED_MS = 5 * 60_000;
const MAX_LANE_COUNT = 500;
/** No Canary needs figures younger than this, and none older than half its interval. */
const MAX_AGE_MS = 5000;

/** How old an answer a Canary with this analysis interval takes: half of it, at most 5 s, so that no two ticks see the same. */
export function maxAnswerAgeMs(intervalMs: number): number {
  return Math.min(intervalMs / 2, MAX_AGE_MS);
}

interface Waiter {
  readonly question: SharedQuestion;
  settle(answer: SharedAnswer): void;
}

interface Flight {
  readonly sentMs: number;
  readonly waiters: Set<Waiter>;
  readonly stop: AbortController;
  readonly sent: Sent;
  /** Undefined while it is on its way. */
  answer: SharedAnswer | undefined;
}

/** All about one key. */
interface Lane {
  readonly remembered: Map<string, { readonly workload: Workload; readonly askedMs: number }>;
  readonly gathering: Set<Waiter>;
  readonly inFlight: Set<Flight>;
  /** The newest that was answered. */
  last: Flight | undefined;
  /** Whether those who gathered wait for a flight to end. */
  isDue: boolean;
}

export function createQueryBatcher(clock: Clock): QueryBatcher {
  const lanes = new Map<string, Lane>();
  return {
    ask(question) {
      const lane = laneOf(lanes, question.key);
      const nowMs = clock.nowMs();
      for (const workload of question.workloads) remember(lane, workload, nowMs);
      if (question.signal.aborted) return Promise.resolve(cancelled);
      const { last } = lane;
      if (last?.answer !== undefined && serves(last, question, nowMs)) return Promise.resolve(last.answer);
      return new Promise((resolve) => {
        const flight = [...lane.inFlight].find((one) => !one.stop.signal.aborted && serves(one, question, nowMs));
        const waiter = waiting({ question, clock, resolve }, () => leave(lane, waiter));
        const isFirst = flight === undefined && lane.gathering.size === 0;
        (flight?.waiters ?? lane.gathering).add(waiter);
        if (isFirst) clock.after(GATHER_MS, () => send(lane, clock));
      });
    },
  };
}

function laneOf(lanes: Map<string, Lane>, key: string): Lane {
  const lane = lanes.get(key) ?? {
    remembered: new Map(),
    gathering: new Set(),
    inFlight: new Set(),
    last: undefined,
    isDue: false,
  };
  // The map's order is that of the last use.
  lanes.delete(key);
  lanes.set(key, lane);
  if (lanes.size > MAX_LANE_COUNT) {
    const idle = [...lanes].find(
      ([other, { gathering, inFlight }]) => other !== key && gathering.size + inFlight.size === 0,
    );
    // When all are busy the map shrinks later; each busy one has someone waiting, and they are bounded.
    if (idle !== undefined) lanes.delete(idle[0]);
  }
  return lane;
}

/** Sends one query for all who gathered, or marks the lane so that the next flight to end does. */
function send(lane: Lane, clock: Clock): void {
  const waiters = new Set(lane.gathering);
  const [first] = waiters;
  lane.isDue = first !== undefined && lane.inFlight.size >= MAX_IN_FLIGHT_COUNT;
  if (first === undefined || lane.isDue) return;
  lane.gathering.clear();
  const stop = new AbortController();
  const sentMs = clock.nowMs();
  const sent = first.question.send(rememberedAt(lane, sentMs), stop.signal);
  const flight: Flight = { sentMs, waiters, stop, sent, answer: undefined };
  lane.inFlight.add(flight);
  void sent.answer.then((answer) => {
    lane.inFlight.delete(flight);
    flight.answer = answer;
    if (!stop.signal.aborted && sentMs >= (lane.last?.sentMs ?? 0)) lane.last = flight;
    for (const waiter of waiters) waiter.settle(answer);
    waiters.clear();
    if (lane.isDue) send(lane, clock);
  });
}

/** A query that nobody waits for any more is given up. */
function leave(lane: Lane, waiter: Waiter): void {
  lane.gathering.delete(waiter);
  for (const { waiters, stop } of lane.inFlight) if (waiters.delete(waiter) && waiters.size === 0) stop.abort();
}

const cancelled: SharedAnswer = { kind: "unreachable", message: "the question was cancelled" };

/** One asker: settled once, by the answer, by its time, or by its own signal. */
function waiting(
  of: { question: SharedQuestion; clock: Clock; resolve: (answer: SharedAnswer) => void },
  leave: () => void,
): Waiter {
  const { question, clock, resolve } = of;
  const settle = (answer: SharedAnswer): void => {
    cancelTimer();
    question.signal.removeEventListener("abort", onAbort);
    leave();
    resolve(answer);
  };
  const onAbort = (): void => settle(cancelled);
  const cancelTimer = clock.after(QUERY_TIMEOUT_MS, () =>
    settle({ kind: "unreachable", message: `no answer within ${QUERY_TIMEOUT_MS} ms` }),
  );
  question.signal.addEventListener("abort", onAbort);
  return { question, settle };
}

function serves({ sentMs, sent, answer }: Flight, question: SharedQuestion, nowMs: number): boolean {
  // What the server says of the query does not depend on when and for whom.
  if (answer?.kind === "error") return nowMs - sentMs < REFUSED_MS;
  return (
    sentMs > question.notBeforeMs &&
    nowMs - sentMs <= question.maxAgeMs &&
    question.workloads.every((workload) => sent.covers(workload))
  );
}

function remember({ remembered }: Lane, workload: Workload, askedMs: number): void {
  const key = `${workload.namespace}/${workload.name}`;
  remembered.delete(key);
  remembered.set(key, { workload, askedMs });
  const [oldest] = remembered.keys();
  if (remembered.size > MAX_REMEMBERED_COUNT && oldest !== undefined) remembered.delete(oldest);
}

/** Everyone who asked lately; the rest is forgotten. */
function rememberedAt({ remembered }: Lane, nowMs: number): Workload[] {
  for (const [key, { askedMs }] of remembered) {
    if (nowMs - askedMs <= REMEMBER_MS) break;
    remembered.delete(key);
  }
  return [...remembered.values()].map(({ workload }) => workload);
}

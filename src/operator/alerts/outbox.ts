import { type BackoffPolicy, backoffMs, type Clock, type Log, type Random } from "#base";
import { sleep } from "#kube";
import type { OutboundHttp } from "../gates/index.ts";
import { type Delivery, deliver, type Letter } from "./deliver.ts";
import { fullBucket, isFull, type RateLimit, takeToken } from "./token-bucket.ts";

/** What waits for one receiver, sent one after the other. */
export interface Outbox {
  add(letter: Letter): void;
  /** What is being sent now; undefined when nothing waits. */
  sending(): Promise<void> | undefined;
  /** Whether a new outbox would be the same. */
  isLikeNew(): boolean;
}

export interface OutboxPorts {
  readonly http: OutboundHttp;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** The operator ends: what waits is sent at once, and tried once. */
  readonly stopping: AbortSignal;
  /** The time for that is over. */
  readonly givenUp: AbortSignal;
}

const MAX_QUEUED_COUNT = 100;
const MAX_ATTEMPT_COUNT = 5;
/** What Slack takes from a webhook; the strictest of the known limits that counts in seconds. */
const RATE: RateLimit = { burstCount: 5, refillMs: 1000 };
const BACKOFF: BackoffPolicy = { initialMs: 1000, factor: 2, maxMs: 30_000, jitter: 0.5 };
/** A receiver that asks for more is given up sooner than it likes, not waited for. */
const MAX_RETRY_AFTER_MS = 60_000;

export function createOutbox(ports: OutboxPorts): Outbox {
  const { clock, log, stopping } = ports;
  let queue: readonly Letter[] = [];
  let bucket = fullBucket(RATE, clock.nowMs());
  let sending: Promise<void> | undefined;

  async function drain(): Promise<void> {
    while (queue.length > 0) {
      const taken = takeToken(bucket, RATE, clock.nowMs());
      bucket = taken.bucket;
      if (taken.waitMs > 0) await sleep(clock, taken.waitMs, stopping);
      // Only now: while it waited, the first may have made room for others.
      const [letter, ...rest] = queue;
      queue = rest;
      if (letter === undefined) break;
      const delivery = await deliverPatiently(letter, ports);
      if (delivery.kind !== "sent") log.warn("alert not sent", { ...shown(letter), error: delivery.detail });
    }
    sending = undefined;
  }

  return {
    add(letter) {
      const { kept, dropped } = admit(queue, letter, MAX_QUEUED_COUNT);
      queue = kept;
      if (dropped !== undefined) log.warn("alert dropped, too many wait", shown(dropped));
      sending ??= Promise.resolve().then(drain);
    },
    sending: () => sending,
    isLikeNew: () => sending === undefined && isFull(bucket, RATE, clock.nowMs()),
  };
}

/**
 * Adds a letter to a queue of at most `maxCount`. Of too many, the oldest goes that is not the last of its release; a
 * terminal letter goes only when there are no others.
 */
export function admit(
  queue: readonly Letter[],
  letter: Letter,
  maxCount: number,
): { readonly kept: readonly Letter[]; readonly dropped?: Letter } {
  const all = [...queue, letter];
  if (all.length <= maxCount) return { kept: all };
  const usual = all.findIndex(({ isTerminal }) => !isTerminal);
  const index = usual < 0 ? 0 : usual;
  const dropped = all[index];
  return { kept: all.filter((_, at) => at !== index), ...(dropped === undefined ? {} : { dropped }) };
}

async function deliverPatiently(letter: Letter, ports: OutboxPorts): Promise<Delivery> {
  const { http, clock, random, stopping, givenUp } = ports;
  let delivery: Delivery = { kind: "refused", detail: "the operator ended" };
  for (let index = 0; index < MAX_ATTEMPT_COUNT && !givenUp.aborted; index++) {
    if (index > 0 && stopping.aborted) break;
    delivery = await deliver(letter, { http, clock, signal: givenUp });
    if (delivery.kind !== "again") return delivery;
    const askedMs = Math.min(MAX_RETRY_AFTER_MS, delivery.retryAfterMs ?? 0);
    const delayMs = Math.max(askedMs, backoffMs(BACKOFF, index, random));
    if (index < MAX_ATTEMPT_COUNT - 1) await sleep(clock, delayMs, stopping);
  }
  return delivery;
}

/** For the log; of the address the host alone, since the rest lets its holder post. */
function shown({ receiver, canaryRef, isTerminal }: Letter) {
  return { provider: receiver.key, host: new URL(receiver.address).host, canary: canaryRef, isTerminal };
}

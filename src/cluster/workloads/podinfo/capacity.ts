import { err, ok, parseDuration, type Result } from "#base";

/** What a pod can do, from the variable PODINFO_CAPACITY. */
export interface Capacity {
  /** Ordinary requests that are worked on at a time; Infinity without a limit. */
  readonly concurrencyCount: number;
  /** How long the work on each takes. */
  readonly serviceMs: number;
  /** Requests that may wait for their turn; those beyond are refused at once with 503. */
  readonly queueCount: number;
  /** How long after its start the pod says that it is not ready. */
  readonly startMs: number;
}

const UNLIMITED: Capacity = { concurrencyCount: Number.POSITIVE_INFINITY, serviceMs: 0, queueCount: 0, startMs: 0 };
const COUNT_MAX = 10_000;
const DURATION_MAX_MS = 600_000;
const ADVICE = "write concurrency=4,time=200ms,queue=40,start=5s, or some of them";

/**
 * Parses `concurrency=4,time=200ms,queue=40,start=5s`: a pod that works on four requests at a time and 200 ms on each serves
 * 20 a second, whatever the machine; up to 40 more wait. Work is waiting, so that a limit costs no processor time.
 */
export function parseCapacity(text: string): Result<Capacity, string> {
  let capacity = UNLIMITED;
  for (const part of text.split(",").map((item) => item.trim())) {
    if (part === "") continue;
    const [, name = "", value = ""] = /^(\w+)=(.+)$/.exec(part) ?? [];
    const change = changeOf(name, value);
    if (change === undefined) return err(`invalid capacity "${part}": ${ADVICE}`);
    if (!change.ok) return err(`invalid capacity "${part}": ${change.error}`);
    capacity = { ...capacity, ...change.value };
  }
  return ok(capacity);
}

function changeOf(name: string, value: string): Result<Partial<Capacity>, string> | undefined {
  if (name === "concurrency") return count(value, 1, (concurrencyCount) => ({ concurrencyCount }));
  if (name === "queue") return count(value, 0, (queueCount) => ({ queueCount }));
  if (name === "time") return duration(value, (serviceMs) => ({ serviceMs }));
  if (name === "start") return duration(value, (startMs) => ({ startMs }));
  return undefined;
}

type Change = (value: number) => Partial<Capacity>;

function count(text: string, min: number, change: Change): Result<Partial<Capacity>, string> {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return value >= min && value <= COUNT_MAX
    ? ok(change(value))
    : err(`write a whole number from ${min} to ${COUNT_MAX}`);
}

function duration(text: string, change: Change): Result<Partial<Capacity>, string> {
  const parsed = parseDuration(text);
  if (!parsed.ok) return parsed;
  return parsed.value >= 0 && parsed.value <= DURATION_MAX_MS
    ? ok(change(parsed.value))
    : err("write a duration from 0s to 10m");
}

/** Lets so many in at a time; the others wait in the order in which they came. */
export interface Turnstile {
  /** Resolves with true when it is one's turn, and with false at once when too many wait, or when the signal aborts first. */
  enter(signal: AbortSignal): Promise<boolean>;
  /** Gives the turn to the next. To be called once for each that was let in. */
  leave(): void;
}

/** Creates a turnstile for a capacity. */
export function createTurnstile({ concurrencyCount, queueCount }: Capacity): Turnstile {
  const waiting: (() => void)[] = [];
  let insideCount = 0;
  return {
    enter(signal) {
      if (insideCount < concurrencyCount) {
        insideCount++;
        return Promise.resolve(true);
      }
      if (waiting.length >= queueCount || signal.aborted) return Promise.resolve(false);
      return new Promise((resolve) => {
        const giveUp = (): void => {
          waiting.splice(waiting.indexOf(letIn), 1);
          resolve(false);
        };
        const letIn = (): void => {
          signal.removeEventListener("abort", giveUp);
          resolve(true);
        };
        signal.addEventListener("abort", giveUp, { once: true });
        waiting.push(letIn);
      });
    },
    leave() {
      // Who is next takes over the place; the count of those inside stays.
      const next = waiting.shift();
      if (next === undefined) insideCount--;
      else next();
    },
  };
}

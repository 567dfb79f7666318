import { expect, test } from "vitest";
import { type Log, seededRandom, silentLog } from "#base";
import { createVirtualClock } from "#testing";
import { ApiFailure } from "./client.ts";
import type { ReconcileOutcome } from "./ports.ts";
import { createWorkQueue, type WorkQueueOptions } from "./work-queue.ts";

function setup(reconcile: WorkQueueOptions["reconcile"], options: Partial<WorkQueueOptions> = {}) {
  const clock = createVirtualClock(0);
  const ended = new AbortController();
  const queue = createWorkQueue({
    reconcile,
    concurrency: 2,
    clock,
    random: seededRandom(1),
    log: silentLog,
    signal: ended.signal,
    ...options,
  });
  return { clock, ended, queue };
}

/** A reconcile whose calls end when told to. */
function manual() {
  const calls: { readonly key: string; readonly finish: (outcome?: ReconcileOutcome) => void }[] = [];
  const reconcile = (key: string): Promise<ReconcileOutcome | void> =>
    new Promise((finish) => calls.push({ key, finish: (outcome) => finish(outcome) }));
  return { calls, reconcile };
}

test("createWorkQueue works on a key once however often it is added, and again when added while in work", async () => {
  const { calls, reconcile } = manual();
  const { clock, queue } = setup(reconcile);
  queue.add("a");
  queue.add("a");
  await clock.advance(0);
  expect(calls.map((call) => call.key)).toEqual(["a"]);
  queue.add("a");
  queue.add("a");
  await clock.advance(0);
  expect(calls).toHaveLength(1);
  calls[0]?.finish();
  await clock.advance(0);
  expect(calls.map((call) => call.key)).toEqual(["a", "a"]);
  calls[1]?.finish();
  await clock.advance(1000);
  expect(calls).toHaveLength(2);
  expect(queue.size).toBe(0);
});

test("createWorkQueue keeps to its concurrency", async () => {
  const { calls, reconcile } = manual();
  const { clock, queue } = setup(reconcile);
  for (const key of ["a", "b", "c"]) queue.add(key);
  await clock.advance(0);
  expect(calls.map((call) => call.key)).toEqual(["a", "b"]);
  calls[0]?.finish();
  await clock.advance(0);
  expect(calls.map((call) => call.key)).toEqual(["a", "b", "c"]);
});

test("createWorkQueue retries failures with growing delays up to 30 s and starts small again after a success", async () => {
  const times: number[] = [];
  let failing = true;
  const { clock, queue } = setup(() => {
    times.push(clock.nowMs());
    return failing ? Promise.reject(new Error("no")) : Promise.resolve();
  });
  queue.add("a");
  await clock.advance(0);
  await clock.advance(200_000);
  const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  expect(gaps[0]).toBeLessThanOrEqual(20);
  expect(gaps[0]).toBeGreaterThanOrEqual(14);
  expect(Math.max(...gaps)).toBeLessThanOrEqual(30_000);
  expect(Math.max(...gaps)).toBeGreaterThan(20_000);
  failing = false;
  await clock.advance(40_000);
  failing = true;
  times.length = 0;
  queue.add("a");
  await clock.advance(0);
  await clock.advance(20);
  expect(times.length).toBe(2);
});

test("createWorkQueue calls again after requeueAfterMs, and keeps the earlier of two delays", async () => {
  const times: number[] = [];
  const { clock, queue } = setup((key) => {
    times.push(clock.nowMs());
    return Promise.resolve(key === "a" && times.length === 1 ? { requeueAfterMs: 500 } : undefined);
  });
  queue.add("a");
  await clock.advance(0);
  queue.addAfter("a", 2000);
  queue.addAfter("a", 100);
  queue.addAfter("a", 300);
  await clock.advance(5000);
  expect(times).toEqual([0, 100]);
});

test("createWorkQueue starts nothing after the abort and says when the last reconcile is done", async () => {
  const { calls, reconcile } = manual();
  const { clock, ended, queue } = setup(reconcile);
  for (const key of ["a", "b", "c"]) queue.add(key);
  queue.addAfter("d", 10);
  await clock.advance(0);
  ended.abort();
  queue.add("e");
  let isStopped = false;
  void queue.stopped.then(() => {
    isStopped = true;
  });
  calls[0]?.finish();
  await clock.advance(1000);
  expect(isStopped).toBe(false);
  calls[1]?.finish();
  await clock.advance(1000);
  expect(isStopped).toBe(true);
  expect(calls).toHaveLength(2);
});

test("createWorkQueue tells a lost race quietly and other failures as warnings", async () => {
  const lines: string[] = [];
  const log: Log = {
    ...silentLog,
    debug: (message) => lines.push(`debug ${message}`),
    warn: (message) => lines.push(`warn ${message}`),
  };
  const failures = [
    new ApiFailure("stale", { httpStatus: 409, reason: "Conflict" }),
    new ApiFailure("there already", { httpStatus: 409, reason: "AlreadyExists" }),
    new Error("no"),
  ];
  const told: unknown[] = [];
  const { clock, queue } = setup(
    () => {
      const failure = failures.shift();
      return failure === undefined ? Promise.resolve() : Promise.reject(failure);
    },
    {
      log,
      onError: (key, _, count) => {
        told.push([key, count]);
        throw new Error("handler");
      },
    },
  );
  queue.add("a");
  await clock.advance(0);
  await clock.advance(1000);
  expect(lines).toEqual([
    "debug reconcile lost a race",
    "debug reconcile lost a race",
    "warn reconcile failed, will be retried",
  ]);
  expect(told).toEqual([
    ["a", 1],
    ["a", 2],
    ["a", 3],
  ]);
});

test("createWorkQueue tells how much later than asked a delayed key is begun, and names keys in its log as asked", async () => {
  const { calls, reconcile } = manual();
  const late: string[] = [];
  const logged: unknown[] = [];
  const log: Log = { ...silentLog, warn: (_, fields) => logged.push(fields?.canary) };
  const { clock, queue } = setup(
    async (key) => {
      if (key === "broken") throw new Error("no");
      return reconcile(key);
    },
    {
      concurrency: 1,
      log,
      fieldsOf: (key) => ({ canary: key }),
      onDelayedStart: (key, ms) => late.push(`${key} ${ms}`),
    },
  );
  queue.addAfter("a", 100);
  queue.addAfter("b", 200);
  await clock.advance(700);
  calls[0]?.finish();
  await clock.advance(0);
  expect(late).toEqual(["a 0", "b 500"]);
  calls[1]?.finish();
  // What is added without a delay is never late.
  queue.add("b");
  await clock.advance(0);
  expect(late).toHaveLength(2);
  calls[2]?.finish();
  queue.add("broken");
  await clock.advance(1);
  expect(logged).toEqual(["broken"]);
});

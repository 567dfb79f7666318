import { expect, test } from "vitest";
import { Failure, silentLog } from "#base";
import { createVirtualClock } from "#testing";
import { TriggerSlot } from "./trigger-slot.ts";
import type { ExternalMetricSpec, ExternalTrigger, TriggerReading } from "./triggers/index.ts";

const spec: ExternalMetricSpec = { name: "queue", target: 5, targetType: "AverageValue", isWhole: true };
const one: TriggerReading = { values: [1], isActive: true };

/** A slot over triggers that the test makes; each is the number of its building. */
function slotOf(read: (generation: number, signal: AbortSignal) => Promise<TriggerReading>, specs = [spec]) {
  const clock = createVirtualClock();
  const open = new Set<number>();
  const watching = new Set<number>();
  const seen = { announce: (_specs: readonly ExternalMetricSpec[]): void => undefined, toldCount: 0 };
  const ended = new AbortController();
  let built = 0;
  let failure: Failure | undefined;
  const slot = new TriggerSlot({
    index: 3,
    source: { type: "test", metadata: {} },
    clock,
    log: silentLog,
    signal: ended.signal,
    onActive: () => undefined,
    onMetrics: () => void (seen.toldCount += 1),
    async build() {
      built += 1;
      if (failure !== undefined) throw failure;
      const generation = built;
      open.add(generation);
      const trigger: ExternalTrigger = {
        kind: "external",
        metrics: async () => specs,
        read: (_, signal) => read(generation, signal),
        watch(_, signal) {
          watching.add(generation);
          signal.addEventListener("abort", () => watching.delete(generation));
        },
        watchMetrics(announce) {
          seen.announce = announce;
        },
        close: async () => void open.delete(generation),
      };
      return trigger;
    },
  });
  const fail = (next: Failure | undefined): void => {
    failure = next;
  };
  return { slot, clock, seen, open, watching, ended, fail, builtCount: () => built };
}

const down = (): never => {
  throw new Failure("down", { code: "Down" });
};

test("TriggerSlot: is built once for all who ask at once, and kept while it works", async () => {
  const { slot, open, watching, builtCount } = slotOf(async () => one);
  await Promise.all([slot.ensure(), slot.metrics(), slot.read(spec), slot.read(spec)]);
  expect([builtCount(), [...open], [...watching]]).toEqual([1, [1], [1]]);
  expect(slot.known).toEqual([{ name: "s3-queue", triggerIndex: 3, spec }]);
  await slot.close();
  expect([open.size, watching.size]).toEqual([0, 0]);
});

test("TriggerSlot: a failed reading is tried once more with a trigger built anew", async () => {
  const { slot, open, watching, builtCount } = slotOf(async (generation) => (generation === 1 ? down() : one));
  expect(await slot.read(spec)).toEqual(one);
  expect([builtCount(), [...open], [...watching]]).toEqual([2, [2], [2]]);
});

test("TriggerSlot: after the second failure nothing stays open, and the next reading begins anew", async () => {
  const { slot, open, watching, builtCount } = slotOf(async (generation) => (generation < 3 ? down() : one));
  await expect(slot.read(spec)).rejects.toThrow("down");
  expect([builtCount(), open.size, watching.size]).toEqual([2, 0, 0]);
  expect(await slot.read(spec)).toEqual(one);
  expect([builtCount(), [...open]]).toEqual([3, [3]]);
});

test("TriggerSlot: one reader's failure does not close the trigger under another", async () => {
  let finish: () => void = () => undefined;
  const slow = new Promise<void>((resolve) => {
    finish = resolve;
  });
  let count = 0;
  const { slot, open } = slotOf(async (generation) => {
    count += 1;
    if (count === 1) await slow;
    else if (generation === 1) down();
    return one;
  });
  const first = slot.read(spec);
  await new Promise((resolve) => setImmediate(resolve));
  expect(await slot.read(spec)).toEqual(one);
  expect([...open].toSorted((a, b) => a - b)).toEqual([1, 2]);
  finish();
  expect(await first).toEqual(one);
  expect([...open]).toEqual([2]);
});

test("TriggerSlot: one that cannot be built says why, and its metrics of before stay known", async () => {
  let isDown = false;
  const { slot, fail } = slotOf(async () => (isDown ? down() : one));
  await slot.metrics();
  isDown = true;
  fail(new Failure("refused", { code: "Refused" }));
  await expect(slot.read(spec)).rejects.toThrow("refused");
  await expect(slot.metrics()).rejects.toThrow("refused");
  expect(slot.known.map(({ name }) => name)).toEqual(["s3-queue"]);
});

test("TriggerSlot: a reading that never ends is given up after 30 s, and its signal aborts", async () => {
  const signals: AbortSignal[] = [];
  const { slot, clock, open } = slotOf((_, signal) => {
    signals.push(signal);
    return new Promise(() => undefined);
  });
  const reading = slot.read(spec).catch((thrown: unknown) => thrown);
  await clock.advance(0);
  await clock.advance(30_000);
  await clock.advance(30_000);
  expect(await reading).toMatchObject({
    code: "TriggerTimeout",
    message: 'reading trigger 3 of type "test": no answer within 30s',
  });
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
  expect(open.size).toBe(0);
});

test("TriggerSlot: closing gives up what is being read, and nothing is built afterwards", async () => {
  const { slot, open, builtCount } = slotOf(() => new Promise(() => undefined));
  const reading = slot.read(spec).catch((thrown: unknown) => thrown);
  await new Promise((resolve) => setImmediate(resolve));
  await slot.close();
  expect(await reading).toMatchObject({ code: "Aborted" });
  await expect(slot.read(spec)).rejects.toMatchObject({ code: "Aborted" });
  expect([open.size, builtCount()]).toEqual([0, 1]);
});

test("TriggerSlot: a trigger that is built at the very end is closed, too", async () => {
  const clock = createVirtualClock();
  const ended = new AbortController();
  let closedCount = 0;
  const trigger: ExternalTrigger = {
    kind: "external",
    metrics: async () => [spec],
    read: async () => one,
    close: async () => void (closedCount += 1),
  };
  const slot = new TriggerSlot({
    index: 0,
    source: { type: "test", metadata: {} },
    clock,
    log: silentLog,
    signal: ended.signal,
    onActive: () => undefined,
    onMetrics: () => undefined,
    build: (signal) => new Promise((resolve) => signal.addEventListener("abort", () => resolve(trigger))),
  });
  const built = slot.ensure().catch((thrown: unknown) => thrown);
  await slot.close();
  expect(await built).toMatchObject({ code: "Aborted" });
  await clock.advance(0);
  expect(closedCount).toBe(1);
});

test("TriggerSlot: ends with the signal of all", async () => {
  const { slot, ended } = slotOf(() => new Promise(() => undefined));
  const reading = slot.read(spec).catch((thrown: unknown) => thrown);
  await new Promise((resolve) => setImmediate(resolve));
  ended.abort();
  expect(await reading).toMatchObject({ code: "Aborted" });
});

test("TriggerSlot: other metrics that a server announces are told at most once a second, the same ones never", async () => {
  const { slot, clock, seen } = slotOf(async () => one);
  await slot.metrics();
  seen.announce([{ ...spec }]);
  await clock.advance(1000);
  expect(seen.toldCount).toBe(0);
  for (const target of [6, 7, 8]) seen.announce([{ ...spec, target }]);
  await clock.advance(999);
  expect(seen.toldCount).toBe(0);
  await clock.advance(1);
  expect(seen.toldCount).toBe(1);
  seen.announce([]);
  await slot.close();
  await clock.advance(1000);
  expect(seen.toldCount).toBe(1);
});

test("TriggerSlot: a server cannot make more metrics than 64", async () => {
  const many = Array.from({ length: 65 }, (_, index) => ({ ...spec, name: `queue${index}` }));
  const { slot } = slotOf(async () => one, many);
  await expect(slot.metrics()).rejects.toThrow("trigger 3 has 65 metrics, at most 64 are allowed");
});

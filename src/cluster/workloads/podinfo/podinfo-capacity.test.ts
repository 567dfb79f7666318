import { expect, test } from "vitest";
import { type Capacity, createTurnstile, parseCapacity } from "./capacity.ts";

const none = { concurrencyCount: Number.POSITIVE_INFINITY, serviceMs: 0, queueCount: 0, startMs: 0 };
const never = new AbortController().signal;

test("parseCapacity: none, some, all", () => {
  expect(parseCapacity("")).toEqual({ ok: true, value: none });
  expect(parseCapacity("start=8s")).toEqual({ ok: true, value: { ...none, startMs: 8000 } });
  expect(parseCapacity("concurrency=4, time=200ms,queue=40,start=5s")).toEqual({
    ok: true,
    value: { concurrencyCount: 4, serviceMs: 200, queueCount: 40, startMs: 5000 },
  });
});

test.each([
  "concurrency=0",
  "concurrency=x",
  "queue=-1",
  "queue=10001",
  "time=5",
  "time=11m",
  "start=-1s",
  "boom=1",
  "4",
])("parseCapacity: refuses %s and quotes it", (text) => {
  const parsed = parseCapacity(text);
  expect(parsed.ok ? "" : parsed.error).toContain(`"${text}"`);
});

function limited(change: Partial<Capacity>): Capacity {
  return { ...none, ...change };
}

test("createTurnstile: so many at a time, the others in the order in which they came, and no more than may wait", async () => {
  const turnstile = createTurnstile(limited({ concurrencyCount: 2, queueCount: 2 }));
  const seen: string[] = [];
  const enter = async (name: string): Promise<void> => {
    seen.push(`${name} ${(await turnstile.enter(never)) ? "in" : "refused"}`);
  };
  const all = ["a", "b", "c", "d", "e"].map(enter);
  await Promise.resolve();
  await all[4];
  expect(seen).toEqual(["a in", "b in", "e refused"]);
  turnstile.leave();
  await all[2];
  turnstile.leave();
  await all[3];
  expect(seen.slice(3)).toEqual(["c in", "d in"]);
  // Both places are free again, and no more than two.
  turnstile.leave();
  turnstile.leave();
  const third = createTurnstile(limited({ concurrencyCount: 2 }));
  expect([await third.enter(never), await third.enter(never), await third.enter(never)]).toEqual([true, true, false]);
});

test("createTurnstile: who gives up while it waits takes no turn", async () => {
  const turnstile = createTurnstile(limited({ concurrencyCount: 1, queueCount: 5 }));
  await turnstile.enter(never);
  const gone = new AbortController();
  const first = turnstile.enter(gone.signal);
  const second = turnstile.enter(never);
  gone.abort();
  expect(await first).toBe(false);
  turnstile.leave();
  expect(await second).toBe(true);
  expect(await createTurnstile(limited({ concurrencyCount: 0, queueCount: 5 })).enter(gone.signal)).toBe(false);
});

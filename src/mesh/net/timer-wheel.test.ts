import fc from "fast-check";
import { expect, test } from "vitest";
import { createVirtualClock } from "#testing";
import { TimerWheel } from "./timer-wheel.ts";

test("TimerWheel fires never early, at most a tick and a half late, and not after a cancel", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ delayMs: fc.integer({ min: 0, max: 40_000 }), isCancelled: fc.boolean() }), {
        maxLength: 20,
      }),
      async (timers) => {
        const clock = createVirtualClock();
        const wheel = new TimerWheel(clock);
        const startMs = clock.nowMs();
        const firedMs = new Map<number, number>();
        const handles = timers.map(({ delayMs }, index) =>
          wheel.schedule(delayMs, () => firedMs.set(index, clock.nowMs() - startMs)),
        );
        timers.forEach(({ isCancelled }, index) => {
          if (isCancelled) handles[index]?.cancel();
        });
        await clock.advance(41_000);
        timers.forEach(({ delayMs, isCancelled }, index) => {
          const fired = firedMs.get(index);
          if (isCancelled) expect(fired).toBeUndefined();
          else {
            expect(fired).toBeGreaterThanOrEqual(delayMs);
            expect(fired).toBeLessThanOrEqual(delayMs + 40);
          }
        });
      },
    ),
    { seed: 3, numRuns: 8 },
  );
});

test("TimerWheel lets one callback cancel another of the same moment, and itself schedule anew", async () => {
  const clock = createVirtualClock();
  const wheel = new TimerWheel(clock);
  const fired: string[] = [];
  const first = wheel.schedule(100, () => {
    fired.push("first");
    second.cancel();
    first.cancel();
    wheel.schedule(100, () => fired.push("third"));
  });
  const second = wheel.schedule(100, () => fired.push("second"));
  await clock.advance(400);
  expect(fired).toEqual(["first", "third"]);
  wheel.schedule(100, () => fired.push("never"));
  wheel.close();
  await clock.advance(400);
  expect(fired).not.toContain("never");
});

import { expect, test } from "vitest";
import { silentLog } from "#base";
import { createVirtualClock } from "#testing";
import { startScaleLoop } from "./scale-loop.ts";

/** A loop of 10 s whose checks take as long as the test says. */
function loopOf(checkMs = 0) {
  const clock = createVirtualClock();
  const startMs = clock.nowMs();
  const log: string[] = [];
  let inWork = 0;
  const act = async (what: string): Promise<void> => {
    inWork += 1;
    log.push(`${what} ${(clock.nowMs() - startMs) / 1000}${inWork > 1 ? " beside another" : ""}`);
    if (checkMs > 0) await new Promise<void>((resolve) => void clock.after(checkMs, resolve));
    inWork -= 1;
    if (what === "check" && log.length === 2) throw new Error("broken");
  };
  const errors: unknown[] = [];
  const latenesses: number[] = [];
  const loop = startScaleLoop({
    intervalMs: 10_000,
    clock,
    log: silentLog,
    check: () => act("check"),
    activate: () => act("push"),
    onLateness: (ms) => latenesses.push(ms),
    onError: (thrown) => errors.push(thrown),
  });
  return { clock, loop, log, errors, latenesses };
}

test("startScaleLoop: one check at once, one an interval, also after one that failed", async () => {
  const { clock, loop, log, errors, latenesses } = loopOf();
  await clock.advance(35_000);
  expect(log).toEqual(["check 0", "check 10", "check 20", "check 30"]);
  expect(errors).toHaveLength(1);
  expect(latenesses).toEqual([0, 0, 0, 0]);
  await loop.stop();
  await clock.advance(60_000);
  expect(log).toHaveLength(4);
});

test("startScaleLoop: checks are never beside each other; of those that a slow one held up, one is made", async () => {
  const { clock, loop, log } = loopOf(25_000);
  await clock.advance(76_000);
  expect(log).toEqual(["check 0", "check 25", "check 50", "check 75"]);
  const stopped = loop.stop();
  await clock.advance(25_000);
  await stopped;
});

test("startScaleLoop: a push acts at once, a flood of them once a second at most, and none after the end", async () => {
  const { clock, loop, log } = loopOf();
  await clock.advance(3000);
  for (let i = 0; i < 100; i++) loop.push();
  await clock.advance(500);
  for (let i = 0; i < 100; i++) loop.push();
  await clock.advance(5000);
  expect(log).toEqual(["check 0", "push 3", "push 4"]);
  await loop.stop();
  loop.push();
  await clock.advance(5000);
  expect(log).toHaveLength(3);
});

test("startScaleLoop: pushes that take longer than they stay away do not keep out the checks", async () => {
  const { clock, loop, log } = loopOf(1500);
  for (let second = 0; second < 25; second++) {
    loop.push();
    await clock.advance(1000);
  }
  expect(log.filter((line) => line.startsWith("check"))).toEqual(["check 0", "check 10.5", "check 21"]);
  const stopped = loop.stop();
  await clock.advance(2000);
  await stopped;
});

test("startScaleLoop: a push during a check acts after it", async () => {
  const { clock, loop, log } = loopOf(2000);
  await clock.advance(1000);
  loop.push();
  await clock.advance(5000);
  expect(log).toEqual(["check 0", "push 2"]);
  await loop.stop();
});

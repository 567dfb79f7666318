import { expect, test } from "vitest";
import { createVirtualClock } from "#testing";
import { createRateLimiter } from "./rate-limiter.ts";

test("createRateLimiter lets a burst through, then one at a time in order, and fills up again", async () => {
  const clock = createVirtualClock(0);
  const limiter = createRateLimiter({ qps: 10, burst: 3 }, clock);
  const passed: string[] = [];
  const take = (name: string): void => void limiter.take().then(() => passed.push(`${name}@${clock.nowMs()}`));
  for (const name of ["a", "b", "c", "d", "e"]) take(name);
  await clock.advance(0);
  await clock.advance(200);
  expect(passed).toEqual(["a@0", "b@0", "c@0", "d@100", "e@200"]);
  await clock.advance(10_000);
  for (const name of ["f", "g", "h", "i"]) take(name);
  await clock.advance(0);
  await clock.advance(100);
  expect(passed.slice(5)).toEqual(["f@10200", "g@10200", "h@10200", "i@10300"]);
});

test("createRateLimiter lets go of who gives up", async () => {
  const clock = createVirtualClock();
  const limiter = createRateLimiter({ qps: 1, burst: 1 }, clock);
  const stop = new AbortController();
  await limiter.take();
  const waiting = limiter.take(stop.signal);
  stop.abort();
  expect(await waiting).toBeUndefined();
});

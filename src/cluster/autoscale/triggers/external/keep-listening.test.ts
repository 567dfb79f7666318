import { expect, test } from "vitest";
import { createVirtualClock } from "#testing";
import { keepListening } from "./keep-listening.ts";
import type { StreamEnd } from "./scaler-client.ts";

/** Times in seconds at which the stream was opened, over five minutes. */
async function openings(end: (attempt: number) => StreamEnd, isProgress = false): Promise<readonly number[]> {
  const clock = createVirtualClock(0);
  const stop = new AbortController();
  const times: number[] = [];
  const done = keepListening({
    clock,
    signal: stop.signal,
    open: () => {
      times.push(clock.nowMs() / 1000);
      return Promise.resolve({ end: end(times.length), isProgress });
    },
    onLoss: () => undefined,
  });
  await clock.advance(0);
  await clock.advance(300_000);
  stop.abort();
  await done;
  return times;
}

const error: StreamEnd = { error: new Error("lost") };

test("keepListening waits 2 s after a loss, and twice as long after each further one, up to 60 s", async () => {
  expect(await openings(() => error)).toEqual([0, 2, 6, 14, 30, 62, 122, 182, 242]);
});

test("keepListening: a clean end lets the wait begin anew", async () => {
  const times = await openings((attempt) => (attempt === 3 ? "ended" : error));
  expect(times.slice(0, 6)).toEqual([0, 2, 6, 8, 12, 20]);
});

test("keepListening: a stream that made progress before it was lost lets the wait begin anew", async () => {
  expect((await openings(() => error, true)).slice(0, 4)).toEqual([0, 2, 4, 6]);
});

test("keepListening ends when the server has no such stream", async () => {
  expect(await openings(() => "not implemented")).toEqual([0]);
});

import type { Clock } from "#base";

/** A clock that moves only when told to. Timers fire in order of their time, then of their registration. */
export interface VirtualClock extends Clock {
  /** Moves time forward, firing every timer on the way at its own time; lets promises settle between two timers. */
  advance(ms: number): Promise<void>;
}

export function createVirtualClock(startMs = Date.parse("2026-01-01T00:00:00Z")): VirtualClock {
  let nowMs = startMs;
  let nextId = 0;
  const timers = new Map<number, { readonly atMs: number; readonly callback: () => void }>();

  function nextDue(untilMs: number): number | undefined {
    let due: number | undefined;
    for (const [id, timer] of timers) {
      const best = due === undefined ? undefined : timers.get(due);
      if (timer.atMs <= untilMs && (best === undefined || timer.atMs < best.atMs)) due = id;
    }
    return due;
  }

  return {
    nowMs: () => nowMs,
    after(delayMs, callback) {
      const id = nextId++;
      timers.set(id, { atMs: nowMs + Math.max(0, delayMs), callback });
      return () => timers.delete(id);
    },
    async advance(ms) {
      const untilMs = nowMs + ms;
      for (let id = nextDue(untilMs); id !== undefined; id = nextDue(untilMs)) {
        const timer = timers.get(id);
        timers.delete(id);
        if (timer === undefined) continue;
        nowMs = timer.atMs;
        timer.callback();
        await settle();
      }
      nowMs = untilMs;
      await settle();
    },
  };
}

/** Lets everything that waits on already resolved promises run. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

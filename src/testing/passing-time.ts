import type { VirtualClock } from "./virtual-clock.ts";

export interface PassingTimeOptions {
  readonly clock: VirtualClock;
  /** Virtual time between two looks at the world. */
  readonly stepMs: number;
  /** How long something may take that says nothing else. */
  readonly withinSeconds: number;
  /** Waits for the real requests of a step: virtual time must not overtake them. By default a few milliseconds. */
  readonly settled?: () => Promise<void>;
}

/** Virtual time for a test whose parts talk to each other by real requests. */
export interface PassingTime {
  /** Lets time pass, step by step. */
  pass(ms: number): Promise<void>;
  /** Lets time pass between two questions until the answer satisfies the check. @throws Error with the last answer. */
  eventually<T>(read: () => Promise<T>, check: (value: T) => boolean, withinSeconds?: number): Promise<T>;
  /** Lets time pass until something is done. */
  whileTimePasses(work: Promise<unknown>): Promise<void>;
}

export function createPassingTime(options: PassingTimeOptions): PassingTime {
  const { clock, stepMs, settled = aMoment } = options;

  async function pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= stepMs) {
      await clock.advance(Math.min(left, stepMs));
      await settled();
    }
  }

  async function eventually<T>(
    read: () => Promise<T>,
    check: (value: T) => boolean,
    withinSeconds = options.withinSeconds,
  ): Promise<T> {
    const untilMs = clock.nowMs() + withinSeconds * 1000;
    for (;;) {
      const value = await read();
      if (check(value)) return value;
      if (clock.nowMs() >= untilMs) throw new Error(`not within ${withinSeconds} s, last: ${JSON.stringify(value)}`);
      await pass(stepMs);
    }
  }

  return {
    pass,
    eventually,
    async whileTimePasses(work) {
      let isDone = false;
      const done = work.finally(() => {
        isDone = true;
      });
      await eventually(async () => isDone, Boolean);
      await done;
    },
  };
}

/** Long enough for a request to this machine; what takes longer is asked for again in the next step. */
export function aMoment(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5));
}

import { type Clock, type Log, messageOf } from "#base";

export interface ScaleLoopOptions {
  readonly intervalMs: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Reads the triggers and acts on them. */
  readonly check: () => Promise<void>;
  /** Acts on what a trigger's server has just said. */
  readonly activate: () => Promise<void>;
  /** Told when a check that was planned begins, by how much later than planned. */
  readonly onLateness: (latenessMs: number) => void;
  readonly onError: (thrown: unknown) => void;
}

/** Least time between two starts by pushes. */
const PUSH_PAUSE_MS = 1000;

/** The polls of one ScaledObject. */
export interface ScaleLoop {
  /** Starts work that was pushed, as soon as the check at hand is done. */
  push(): void;
  /** Ends the loop and waits for the check at hand. */
  stop(): Promise<void>;
}

/**
 * Runs checks of one ScaledObject, one at a time: one at once, then one an interval. The timer is armed before the check, so a
 * slow one does not shift the others; one that takes longer than the interval is followed by one, however many were due.
 * Source: keda-hpa-spec 6.
 */
export function startScaleLoop(options: ScaleLoopOptions): ScaleLoop {
  const { intervalMs, clock, log } = options;
  const due = { isCheck: false, isPush: false };
  let wasPush = false;
  let isStopped = false;
  let working: Promise<void> | undefined;
  let cancelTick: () => void = () => undefined;
  let cancelPause: (() => void) | undefined;
  let isPushedAgain = false;
  let plannedMs = clock.nowMs();

  function tick(): void {
    options.onLateness(Math.max(0, clock.nowMs() - plannedMs));
    plannedMs = clock.nowMs() + intervalMs;
    cancelTick = clock.after(intervalMs, tick);
    due.isCheck = true;
    wake();
  }

  function wake(): void {
    if (isStopped || (!due.isPush && !due.isCheck)) return;
    working ??= work().finally(() => {
      working = undefined;
      wake();
    });
  }

  async function work(): Promise<void> {
    // What was pushed goes first: it is what somebody waits for. A server that pushes all the time must not keep out the checks.
    const isPush = due.isPush && !(wasPush && due.isCheck);
    wasPush = isPush;
    if (isPush) due.isPush = false;
    else due.isCheck = false;
    try {
      await (isPush ? options.activate() : options.check());
    } catch (thrown) {
      log.debug("a check of a ScaledObject failed", { error: messageOf(thrown) });
      options.onError(thrown);
    }
  }

  /** A server may say it all the time: what it says in the moment after the first time is one more. */
  function push(): void {
    if (isStopped) return;
    if (cancelPause !== undefined) {
      isPushedAgain = true;
      return;
    }
    due.isPush = true;
    cancelPause = clock.after(PUSH_PAUSE_MS, () => {
      cancelPause = undefined;
      if (!isPushedAgain) return;
      isPushedAgain = false;
      push();
    });
    wake();
  }

  tick();
  return {
    push,
    async stop() {
      isStopped = true;
      cancelTick();
      cancelPause?.();
      await working;
    },
  };
}

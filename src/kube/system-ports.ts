import type { Clock, Random } from "#base";

/** Longest delay that Node's timers take; a longer one would fire at once. Source: Node.js documentation of setTimeout. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The clock of this machine. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(0, delayMs), MAX_TIMER_MS));
    return () => clearTimeout(timer);
  },
};

/** Chance from the runtime's generator. */
export const systemRandom: Random = { next: () => Math.random() };

/** Milliseconds on a clock that nobody can set; its zero means nothing. It may stand still while the machine sleeps. */
export function steadyNowMs(): number {
  return performance.now();
}

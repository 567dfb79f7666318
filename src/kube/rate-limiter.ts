import { assert, type Clock } from "#base";
import { sleep } from "./sleep.ts";

/** How many requests may be sent: `burst` at once, `qps` a second in the long run. */
export interface RateLimit {
  readonly qps: number;
  readonly burst: number;
}

/** Lets requests through at a bounded rate, in the order in which they came. */
export interface RateLimiter {
  /** Waits for the turn; returns at once when the signal aborts. */
  take(signal?: AbortSignal): Promise<void>;
}

/**
 * A token bucket that may be overdrawn: each request takes its token at once and waits until the debt before it is paid,
 * so the order is kept without a queue. Source: the reservation of Go's `x/time/rate`, which client-go's flow control uses.
 */
export function createRateLimiter({ qps, burst }: RateLimit, clock: Clock): RateLimiter {
  assert(qps > 0 && burst >= 1, `a rate limit lets something through, received qps ${qps} and burst ${burst}`);
  let tokens = burst;
  let countedMs = clock.nowMs();
  return {
    async take(signal) {
      const nowMs = clock.nowMs();
      // A clock that was set back gives nothing.
      tokens = Math.min(burst, tokens + (Math.max(0, nowMs - countedMs) / 1000) * qps);
      countedMs = nowMs;
      tokens -= 1;
      if (tokens < 0) await sleep(clock, (-tokens / qps) * 1000, signal);
    },
  };
}

import type { Random } from "./ports.ts";

export interface BackoffPolicy {
  readonly initialMs: number;
  readonly factor: number;
  readonly maxMs: number;
  /** Share of the delay that is random, 0 to 1: 0.5 gives between half and the whole delay. */
  readonly jitter: number;
}

/** Returns how long to wait before attempt `attempt` (0-based), in milliseconds, never above `maxMs`. */
export function backoffMs(policy: BackoffPolicy, attempt: number, random: Random): number {
  const full = Math.min(policy.maxMs, policy.initialMs * policy.factor ** attempt);
  return full * (1 - policy.jitter * random.next());
}

/** A rate with room for bursts. Source: Turner 1986, "New directions in communications", the leaky bucket as a meter. */
export interface RateLimit {
  /** Messages that may go at once. */
  readonly burstCount: number;
  /** Time in which the right to one message comes back. */
  readonly refillMs: number;
}

/** Rights that are left; negative ones were given in advance to whoever waits. */
export interface TokenBucket {
  readonly tokenCount: number;
  readonly atMs: number;
}

export function fullBucket(limit: RateLimit, nowMs: number): TokenBucket {
  return { tokenCount: limit.burstCount, atMs: nowMs };
}

/** Takes the right to one message; `waitMs` says how long until it may be used. */
export function takeToken(
  bucket: TokenBucket,
  limit: RateLimit,
  nowMs: number,
): { readonly bucket: TokenBucket; readonly waitMs: number } {
  const tokenCount = refilled(bucket, limit, nowMs) - 1;
  return { bucket: { tokenCount, atMs: nowMs }, waitMs: tokenCount >= 0 ? 0 : -tokenCount * limit.refillMs };
}

/** Whether the bucket is as good as new, so that it need not be remembered. */
export function isFull(bucket: TokenBucket, limit: RateLimit, nowMs: number): boolean {
  return refilled(bucket, limit, nowMs) >= limit.burstCount;
}

function refilled({ tokenCount, atMs }: TokenBucket, { burstCount, refillMs }: RateLimit, nowMs: number): number {
  return Math.min(burstCount, tokenCount + Math.max(0, nowMs - atMs) / refillMs);
}

/** What goes wrong around a release, none of it the release's fault. Times are since the canary's first request. */
export interface Environment {
  /** From when to when no metrics can be read. */
  readonly metricsOutages?: readonly TimeSpan[];
  /** How old the newest counts are that can be read. */
  readonly scrapeLagMs?: number;
  /** The chance that a write to the API server is refused; the look is then made again at the next step. */
  readonly conflictShare?: number;
  /** When writes are refused with that chance; absent: all the time. */
  readonly conflictSpans?: readonly TimeSpan[];
  /** The operator dies at its first look from then on, half-way through its commands, and starts again. */
  readonly crashesAtMs?: readonly number[];
  /** The chance that it dies so at a look. */
  readonly crashShare?: number;
  /** When it dies with that chance; absent: all the time. */
  readonly crashSpans?: readonly TimeSpan[];
  /** From a pod's creation until it is ready. */
  readonly podStartMs?: number;
  /** From a weight's being asked for until the proxies serve it. */
  readonly meshLagMs?: number;
}

export interface TimeSpan {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** How often an environment struck a release. */
export interface Incidents {
  readonly crashCount: number;
  readonly refusedWriteCount: number;
  /** Looks that found no metrics to read. */
  readonly blindLookCount: number;
}

export function isWithin(spans: readonly TimeSpan[] | undefined, atMs: number): boolean {
  return spans?.some(({ fromMs, untilMs }) => atMs >= fromMs && atMs < untilMs) ?? false;
}

/** The chance that holds at a time: none outside of its spans. */
export function chanceAt(share: number | undefined, spans: readonly TimeSpan[] | undefined, atMs: number): number {
  return spans === undefined || isWithin(spans, atMs) ? (share ?? 0) : 0;
}

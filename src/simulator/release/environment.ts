/** What goes wrong around a release, none of it the release's fault. Times are since the canary's first request. */
export interface Environment {
  /** From when to when no metrics can be read. */
  readonly metricsOutages?: readonly TimeSpan[];
  /** How old the newest counts are that can be read. */
  readonly scrapeLagMs?: number;
  /** The chance that a write to the API server is refused; the look is then made again at the next step. */
  readonly conflictShare?: number;
  /** The operator dies at its first look from then on, half-way through its commands, and starts again. */
  readonly crashesAtMs?: readonly number[];
  /** From a pod's creation until it is ready. */
  readonly podStartMs?: number;
}

export interface TimeSpan {
  readonly fromMs: number;
  readonly untilMs: number;
}

export function isWithin(spans: readonly TimeSpan[] | undefined, atMs: number): boolean {
  return spans?.some(({ fromMs, untilMs }) => atMs >= fromMs && atMs < untilMs) ?? false;
}

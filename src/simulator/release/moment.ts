/** The moment at which a question is asked. */
export interface Moment {
  /** The built-in metrics that the analysis has, in its order. */
  readonly metricNames: readonly string[];
  /** End of the newest counts that can be read, since the canary's first request. */
  readonly countedMs: number;
  readonly isMetricsDown: boolean;
  /** Where the clock of decisions has the canary's first request. */
  readonly epochMs: number;
}

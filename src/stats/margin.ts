/**
 * How much worse a canary may be: its bad rate may be up to `ratio` times the primary's plus `excess`.
 *
 * With enough requests every difference is significant; what matters is whether it exceeds a margin that was set before.
 */
export interface Margin {
  /** Factor on the primary's bad rate; above 0. */
  readonly ratio: number;
  /** Added bad rate, as a share of the requests: 0.0002 is 0.02 points of percent. */
  readonly excess: number;
}

/** Rollback of an error rate. Source: statistics reference 0.3. */
export const TOLERATED_ERRORS: Margin = { ratio: 1.2, excess: 0.0002 };

/** Factor that is unacceptable for an error rate; promotion takes proof that the canary is below it. Source: statistics reference 2.2. */
export const UNACCEPTABLE_ERROR_RATIO = 1.25;

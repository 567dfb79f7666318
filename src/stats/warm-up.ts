import type { Margin } from "./margin.ts";

/**
 * The margin of a canary that has just started or was scaled up.
 *
 * A cold cache is not a bad release, and a canary that answers nothing is not a cold cache: the margin is widened, not lifted.
 * It protects a warm-up that is over when the burn-in is; one that lasts longer looks like a regression, and is treated as one.
 */

const HALF_LIFE_MS = 10_000;
/** From here on the widening is below a thousandth, and is left out. */
const HALVINGS_MAX = 10;

/** How wide the margin is, 1 during the burn-in, then halved every 10 s, 0 in the end. Source: statistics reference 2.10. */
export function warmUpEnvelope(sinceReadyMs: number, burnInMs: number): number {
  const halvings = (sinceReadyMs - burnInMs) / HALF_LIFE_MS;
  if (halvings <= 0) return 1;
  return halvings > HALVINGS_MAX ? 0 : 2 ** -halvings;
}

/** When the bound of the excess starts to count. Source: statistics reference 2.10. */
export function countsForBound(sinceReadyMs: number, burnInMs: number): boolean {
  return sinceReadyMs >= burnInMs + HALF_LIFE_MS;
}

/** What a full envelope adds: `ratio` times the tolerated ratio, and `excess`. */
export interface Widening {
  readonly ratio: number;
  readonly excess: number;
}

/** Source: statistics reference 2.10. */
export const ERROR_WIDENING: Widening = { ratio: 2, excess: 0.05 };
/** Source: statistics reference 2.10. */
export const LATENCY_WIDENING: Widening = { ratio: 4, excess: 0.4 };

/** The margin in force: r₀ (1 + widening × envelope), d + widening × envelope. Source: statistics reference 2.10. */
export function widenMargin({ ratio, excess }: Margin, widening: Widening, envelope: number): Margin {
  return { ratio: ratio * (1 + widening.ratio * envelope), excess: excess + widening.excess * envelope };
}

import { betterTerms } from "./better-evidence.ts";
import type { Margin } from "./margin.ts";
import { worseTerms } from "./worse-evidence.ts";

/**
 * What a request of the canary is worth, in nats on average: evidence is bought with users' requests, and this is its price.
 */

/** How a release is believed to behave; rates and share between 0 and 1. */
export interface Outlook {
  /** Share of the requests that the canary gets. */
  readonly share: number;
  readonly canaryRate: number;
  readonly primaryRate: number;
}

const STEPS = 80;
const GOLDEN = (Math.sqrt(5) - 1) / 2;
/** The largest ratio that is looked at. */
const RATIO_MAX = 1e4;

/** Mean and variance of the evidence of one request of the canary and the primary's requests beside it, for φ = 1. */
export interface EvidencePrice {
  /** nats. */
  readonly mean: number;
  /** nats². */
  readonly variance: number;
}

/** The price of "worse" evidence with one alternative. Source: the mean of statistics reference 2.1; counts taken as Poisson. */
export function worsePrice(outlook: Outlook, tolerated: Margin, ratio: number): EvidencePrice {
  const terms = worseTerms(outlook.share, tolerated.ratio, ratio);
  return priceOf(outlook, terms, -terms.perCanaryRequest * tolerated.excess);
}

/** The price of non-inferiority evidence with one alternative. Source: the mean of statistics reference 2.2. */
export function betterPrice(outlook: Outlook, unacceptable: Margin, ratio: number): EvidencePrice {
  const terms = betterTerms(outlook.share, unacceptable.ratio, ratio);
  return priceOf(outlook, terms, terms.perCanaryRequest * unacceptable.excess);
}

/** The price for the alternative that fits best. Its mean is 0 or less when the canary is within the margin. Source: statistics reference 2.12. */
export function bestWorsePrice(outlook: Outlook, tolerated: Margin): EvidencePrice {
  const price = (ratio: number) => worsePrice(outlook, tolerated, ratio);
  const from = Math.log(tolerated.ratio * (1 + 1e-9));
  return price(Math.exp(maximize((log) => price(Math.exp(log)).mean, from, Math.log(tolerated.ratio * RATIO_MAX))));
}

/** The price for the alternative that fits best. Source: statistics reference 2.12. */
export function bestBetterPrice(outlook: Outlook, unacceptable: Margin): EvidencePrice {
  const price = (ratio: number) => betterPrice(outlook, unacceptable, ratio);
  const to = Math.log(unacceptable.ratio * (1 - 1e-9));
  return price(Math.exp(maximize((log) => price(Math.exp(log)).mean, to - Math.log(RATIO_MAX), to)));
}

function priceOf(
  { share, canaryRate, primaryRate }: Outlook,
  terms: { readonly perCanaryBad: number; readonly perPrimaryBad: number },
  perRequest: number,
): EvidencePrice {
  const primaryBad = (primaryRate * (1 - share)) / share;
  return {
    mean: terms.perCanaryBad * canaryRate + terms.perPrimaryBad * primaryBad + perRequest,
    variance: terms.perCanaryBad ** 2 * canaryRate + terms.perPrimaryBad ** 2 * primaryBad,
  };
}

/** Where a function with one maximum has it. Source: golden section search, J. Kiefer (1953). */
function maximize(valueAt: (x: number) => number, from: number, to: number): number {
  let low = from;
  let high = to;
  for (let step = 0; step < STEPS; step++) {
    const first = high - GOLDEN * (high - low);
    const second = low + GOLDEN * (high - low);
    if (valueAt(first) >= valueAt(second)) high = second;
    else low = first;
  }
  return (low + high) / 2;
}

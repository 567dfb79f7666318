import type { CountEvidence, CountPlan } from "./count-evidence.ts";
import { type LinearEvidence, linearEvidenceAt } from "./linear-evidence.ts";
import { betterPrice, type Outlook, worsePrice } from "./price-list.ts";

/**
 * How long a running release still takes to know, if it goes on as the outlook says: for explanations, never for decisions.
 */

const DOUBLINGS = 60;
const BISECTIONS = 50;

/** Requests of the canary until the metric's evidence for rollback reaches `level` nats; undefined when it is not on its way there. */
export function requestsUntilRollback(
  plan: CountPlan,
  state: CountEvidence,
  { outlook, level }: { readonly outlook: Outlook; readonly level: number },
): number | undefined {
  const gains = plan.multiples.map(
    (multiple) => worsePrice(outlook, plan.tolerated, plan.tolerated.ratio * multiple).mean / plan.dispersion,
  );
  return requestsUntil(state.worse.logs, gains, level);
}

/** Requests of the canary until a bound of its excess is `excess` with confidence 1 − beta; undefined when it is not on its way there. */
export function requestsUntilBound(
  plan: CountPlan,
  bound: LinearEvidence,
  { outlook, excess, beta }: { readonly outlook: Outlook; readonly excess: number; readonly beta: number },
): number | undefined {
  const unacceptable = { ratio: plan.unacceptableRatio, excess };
  const gains = plan.fractions.map(
    (fraction) => betterPrice(outlook, unacceptable, fraction * plan.unacceptableRatio).mean / plan.dispersion,
  );
  const logs = bound.bases.map((base, index) => base + excess * (bound.slopes[index] ?? 0));
  return requestsUntil(logs, gains, -Math.log(beta));
}

/** Ticks in which so many requests arrive, rounded up; undefined without traffic. Source: statistics reference 2.12. */
export function ticksFor(requests: number, requestsPerTick: number): number | undefined {
  return requestsPerTick > 0 ? Math.ceil(requests / requestsPerTick) : undefined;
}

/** The n at which ln mean exp(logs + n gains) reaches the level; whole, 0 when it has. */
function requestsUntil(logs: readonly number[], gains: readonly number[], level: number): number | undefined {
  const evidence = { bases: logs, slopes: gains };
  const isReached = (requests: number): boolean => linearEvidenceAt(evidence, requests) >= level;
  if (isReached(0)) return 0;
  if (!gains.some((gain) => gain > 0)) return undefined;
  let high = 1;
  for (let step = 0; step < DOUBLINGS && !isReached(high); step++) high *= 2;
  let low = high / 2;
  for (let step = 0; step < BISECTIONS && high - low > 1; step++) {
    const middle = Math.floor((low + high) / 2);
    if (isReached(middle)) high = middle;
    else low = middle;
  }
  return isReached(high) ? high : undefined;
}

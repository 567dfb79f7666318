import { canonicalJson } from "#base";
import type { EvidenceRules } from "./metric-plan.ts";

/** Changes when what is kept, or what it means, changes. */
const FORMAT = 1;

/**
 * A short hash of everything that evidence depends on beside the samples: with other settings it would have been other evidence.
 *
 * Source: FNV-1a, 32 bits: G. Fowler, L. C. Noll and P. Vo, draft-eastlake-fnv.
 */
export function settingsHash({ sequential, tickMs, metrics }: EvidenceRules): string {
  const compared = metrics.map(({ name, threshold, thresholdRange, templateRef, templateVariables, query }) => ({
    name,
    threshold,
    thresholdRange,
    templateRef,
    templateVariables,
    query,
  }));
  // What happens when the time is over changes no evidence.
  const { onTimeout: _, ...rest } = sequential;
  const text = canonicalJson({ format: FORMAT, ...rest, tickMs, compared });
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}

import type { HorizontalPodAutoscaler } from "#api";
import { copiedLabels } from "./copied-metadata.ts";
import { type Twin, type TwinPlan, withBounds } from "./twin.ts";

/** The primary's HPA: the same rules, for the primary. Source: flagger-spec 3.8. */
export function hpaTwin(source: HorizontalPodAutoscaler, plan: TwinPlan): Twin {
  return {
    source,
    owner: plan.owner,
    labels: copiedLabels(source),
    annotations: {},
    spec: {
      ...withBounds(source, plan.canary),
      scaleTargetRef: { ...source.spec.scaleTargetRef, name: plan.primary },
    },
  };
}

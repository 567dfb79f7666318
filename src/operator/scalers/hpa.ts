import type { HorizontalPodAutoscaler } from "#api";
import { copiedLabels } from "./copied-metadata.ts";
import { type BoundFields, specWithoutFloor } from "./floor-lease.ts";
import type { Twin, TwinPlan } from "./twin.ts";

export const hpaBounds: BoundFields = { min: "minReplicas", max: "maxReplicas" };

/** The primary's HPA: the same rules, for the primary. Source: flagger-spec 3.8. */
export function hpaTwin(source: HorizontalPodAutoscaler, plan: TwinPlan): Twin {
  const override = plan.canary.spec.autoscalerRef?.primaryScalerReplicas;
  const own = specWithoutFloor(source);
  return {
    source,
    owner: plan.owner,
    labels: copiedLabels(source),
    annotations: {},
    bounds: hpaBounds,
    spec: {
      ...own,
      scaleTargetRef: { ...source.spec.scaleTargetRef, name: plan.primary },
      ...(override?.minReplicas === undefined ? {} : { minReplicas: override.minReplicas }),
      ...(override?.maxReplicas === undefined ? {} : { maxReplicas: override.maxReplicas }),
    },
  };
}

import type { HorizontalPodAutoscaler, ScaledObject } from "#api";
import type { Problem } from "#base";
import { hpaNameOf } from "../plan/generate-hpa.ts";
import { annotations } from "../plan/pause.ts";
import { isSameTarget, targetType } from "./scale-target.ts";

/** Of an autoscaler that shall not be looked at. */
const OWNERSHIP = "validations.keda.sh/hpa-ownership";

interface Neighbours {
  readonly scaledObject: ScaledObject;
  readonly scaledObjects: readonly ScaledObject[];
  readonly autoscalers: readonly HorizontalPodAutoscaler[];
}

/** Rules that speak of other objects of the namespace: nothing may be scaled by two. */
export function neighbourProblems({ scaledObject, scaledObjects, autoscalers }: Neighbours): readonly Problem[] {
  const others = scaledObjects.filter(({ metadata }) => metadata.name !== scaledObject.metadata.name);
  return [
    ...others.flatMap((other) => twinProblems(scaledObject, other)),
    ...autoscalers.flatMap((autoscaler) => autoscalerProblems(scaledObject, autoscaler)),
  ];
}

function twinProblems(scaledObject: ScaledObject, other: ScaledObject): readonly Problem[] {
  const { scaleTargetRef } = scaledObject.spec;
  if (isSameTarget(scaleTargetRef, other.spec.scaleTargetRef)) {
    const message = `${described(scaledObject)} is scaled by the ScaledObject "${other.metadata.name ?? ""}" already`;
    const fix = "delete that one, or add the triggers to it";
    return [{ path: "spec.scaleTargetRef", code: "other-scaled-object", message, fix }];
  }
  const name = hpaNameOf(scaledObject);
  if (name !== hpaNameOf(other)) return [];
  return [
    {
      path: "spec.advanced.horizontalPodAutoscalerConfig.name",
      code: "other-scaled-object-hpa",
      message: `the autoscaler "${name}" belongs to the ScaledObject "${other.metadata.name ?? ""}"`,
      fix: "choose another name",
    },
  ];
}

function autoscalerProblems(scaledObject: ScaledObject, autoscaler: HorizontalPodAutoscaler): readonly Problem[] {
  const { metadata, spec } = scaledObject;
  const { name = "", ownerReferences = [] } = autoscaler.metadata;
  if (autoscaler.metadata.annotations?.[OWNERSHIP] === "false") return [];
  if (!isSameTarget(spec.scaleTargetRef, autoscaler.spec.scaleTargetRef)) return [];
  if (ownerReferences.some((owner) => owner.kind === "ScaledObject" && owner.name === metadata.name)) return [];
  if (metadata.annotations?.[annotations.transferHpa] !== "true") {
    const message = `${described(scaledObject)} is scaled by the HorizontalPodAutoscaler "${name}" already`;
    const fix = `delete it, or let it be taken over: annotate with ${annotations.transferHpa}: "true" and give its name in spec.advanced.horizontalPodAutoscalerConfig.name`;
    return [{ path: "spec.scaleTargetRef", code: "other-hpa", message, fix }];
  }
  if (spec.advanced?.horizontalPodAutoscalerConfig?.name === name) return [];
  return [
    {
      path: "spec.advanced.horizontalPodAutoscalerConfig.name",
      code: "transfer-ownership-missing-hpa-name",
      message: `the HorizontalPodAutoscaler "${name}" of ${described(scaledObject)} is to be taken over by an autoscaler of another name`,
      fix: `set it to "${name}"`,
    },
  ];
}

function described({ spec }: ScaledObject): string {
  return `the ${targetType(spec.scaleTargetRef)} "${spec.scaleTargetRef.name}"`;
}

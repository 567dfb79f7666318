import {
  type Deployment,
  type HorizontalPodAutoscaler,
  type KubeObject,
  type LimitRange,
  type PodSpec,
  resources,
  type ScaledObject,
} from "#api";
import { deepEqual } from "#base";
import type { AdmissionReviewer, AdmissionView } from "../../admission.ts";
import { reviewScaledObject } from "./review-scaled-object.ts";
import { targetType } from "./scale-target.ts";

/**
 * KEDA's webhook for ScaledObjects, inside of the API server. KEDA's own is skipped while it cannot be reached; this one cannot
 * be missed.
 *
 * Source: keda-hpa-spec 3.1.
 */
export const scaledObjectReviewer: AdmissionReviewer = {
  name: "vscaledobject.kb.io",
  resource: resources.scaledObjects,
  review({ object, old, isDryRun }, view) {
    if (old !== undefined && removesFinalizer(object, old)) return { problems: [], warnings: [] };
    const scaledObject = asScaledObject(object);
    const { namespace = "" } = object.metadata;
    return reviewScaledObject({
      scaledObject,
      scaledObjects: view.list(resources.scaledObjects, namespace).map(asScaledObject),
      autoscalers: view.list(resources.horizontalPodAutoscalers, namespace).map(asAutoscaler),
      limitRanges: view.list(resources.limitRanges, namespace).map(asLimitRange),
      podSpec: podSpecOf(scaledObject, view),
      isDryRun,
    });
  },
};

/** An object on its way out must not be held by rules that it breaks. */
function removesFinalizer(next: KubeObject, old: KubeObject): boolean {
  const isFewer = (next.metadata.finalizers ?? []).length < (old.metadata.finalizers ?? []).length;
  return isFewer && deepEqual(next.spec, old.spec);
}

function podSpecOf({ metadata, spec }: ScaledObject, view: AdmissionView): PodSpec | undefined {
  const key = { namespace: metadata.namespace ?? "", name: spec.scaleTargetRef.name };
  const type = targetType(spec.scaleTargetRef);
  if (type === "apps/v1.Deployment") return templateOf(view.get(resources.deployments, key));
  return type === "apps/v1.StatefulSet" ? templateOf(view.get(resources.statefulSets, key)) : undefined;
}

/** Stored objects satisfy the schemas of their kinds; these name what that makes them. */
function templateOf(workload: KubeObject | undefined): PodSpec | undefined {
  return workload === undefined ? undefined : (workload as Deployment).spec.template.spec;
}

function asScaledObject(object: KubeObject): ScaledObject {
  return object as ScaledObject;
}

function asAutoscaler(object: KubeObject): HorizontalPodAutoscaler {
  return object as HorizontalPodAutoscaler;
}

function asLimitRange(object: KubeObject): LimitRange {
  return object as LimitRange;
}

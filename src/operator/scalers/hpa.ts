import type { Canary, HorizontalPodAutoscaler, OwnerReference } from "#api";
import { deepEqual } from "#base";

export interface ScalerPlan {
  readonly canary: Canary;
  /** The user's autoscaler, of the target. */
  readonly source: HorizontalPodAutoscaler;
  /** Name of the primary Deployment. */
  readonly primary: string;
  readonly owner: OwnerReference;
}

/** Name of the primary's autoscaler. */
export function primaryScalerName(source: string): string {
  return `${source}-primary`;
}

/** The primary's autoscaler as it is first created. Source: flagger-spec 3.8. */
export function newPrimaryScaler(plan: ScalerPlan): HorizontalPodAutoscaler {
  const { source } = plan;
  return {
    apiVersion: source.apiVersion,
    kind: source.kind,
    metadata: {
      name: primaryScalerName(source.metadata.name ?? ""),
      ...(source.metadata.namespace === undefined ? {} : { namespace: source.metadata.namespace }),
      labels: copiedLabels(source),
      ownerReferences: [plan.owner],
    },
    spec: wantedSpec(plan),
  };
}

/** The live one brought in step with the user's; undefined when it is. Labels are kept in step too. */
export function syncedPrimaryScaler(
  live: HorizontalPodAutoscaler,
  plan: ScalerPlan,
): HorizontalPodAutoscaler | undefined {
  const { scaleTargetRef, ...wanted } = wantedSpec(plan);
  const spec = { ...live.spec, ...wanted };
  const labels = { ...live.metadata.labels, ...copiedLabels(plan.source) };
  const isSame = deepEqual(spec, live.spec) && deepEqual(labels, live.metadata.labels ?? {});
  return isSame ? undefined : { ...live, metadata: { ...live.metadata, labels }, spec: { ...spec, scaleTargetRef } };
}

function wantedSpec({ canary, source, primary }: ScalerPlan): HorizontalPodAutoscaler["spec"] {
  const { minReplicas, maxReplicas, metrics, behavior, scaleTargetRef } = source.spec;
  const override = canary.spec.autoscalerRef?.primaryScalerReplicas;
  const min = override?.minReplicas ?? minReplicas;
  return {
    scaleTargetRef: { ...scaleTargetRef, name: primary },
    ...(min === undefined ? {} : { minReplicas: min }),
    maxReplicas: override?.maxReplicas ?? maxReplicas,
    ...(metrics === undefined ? {} : { metrics }),
    ...(behavior === undefined ? {} : { behavior }),
  };
}

function copiedLabels(source: HorizontalPodAutoscaler): Record<string, string> {
  return Object.fromEntries(
    Object.entries(source.metadata.labels ?? {}).filter(([key]) => !key.includes("toolkit.fluxcd.io")),
  );
}

import {
  type HorizontalPodAutoscaler,
  type HorizontalPodAutoscalerSpec,
  type MetricSpec,
  type OwnerReference,
  type ScaledObject,
} from "#api";
import type { ExternalMetricSpec } from "../triggers/index.ts";
import { formulaOf } from "./evaluation.ts";
import { COMPOSITE_METRIC, targetQuantity } from "./metric-value.ts";
import { annotations, readPause } from "./pause.ts";
import { hpaBounds, replicaBounds } from "./replica-bounds.ts";

/** Label of a ScaledObject, its autoscaler and each of its metrics; its value is the ScaledObject's name. */
export const NAME_LABEL = "scaledobject.keda.sh/name";

/** Version of KEDA whose behaviour this is, which tools read from the autoscaler's label. Source: keda-hpa-spec 1. */
const KEDA_VERSION = "2.20.2";
/** A label's value has no more. */
const MAX_LABEL_LENGTH = 63;

/** A metric of a trigger, with the name that it has in the autoscaler. */
export interface NamedMetric {
  /** `s0-prometheus` */
  readonly name: string;
  readonly triggerIndex: number;
  readonly spec: ExternalMetricSpec;
}

/** What the triggers of a ScaledObject measure. */
export interface TriggerMetrics {
  /** Read by the autoscaler itself. */
  readonly resource: readonly MetricSpec[];
  readonly external: readonly NamedMetric[];
}

export function hpaNameOf(object: ScaledObject): string {
  const name = object.spec.advanced?.horizontalPodAutoscalerConfig?.name ?? "";
  return name === "" ? `keda-hpa-${object.metadata.name ?? ""}` : name;
}

/**
 * The autoscaler that scales a ScaledObject's target between its least size and its largest. Source: keda-hpa-spec 5.
 *
 * @param of The reference to the ScaledObject as the controller of the autoscaler, and the size of the target.
 */
export function generateHpa(
  object: ScaledObject,
  metrics: TriggerMetrics,
  of: { readonly owner: OwnerReference; readonly size: number },
): HorizontalPodAutoscaler {
  const { name: target, apiVersion = "apps/v1", kind = "Deployment" } = object.spec.scaleTargetRef;
  const behavior = behaviorOf(object);
  return {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: {
      name: hpaNameOf(object),
      namespace: object.metadata.namespace ?? "",
      labels: labelsOf(object),
      annotations: { ...object.metadata.annotations },
      ownerReferences: [of.owner],
    },
    spec: {
      scaleTargetRef: { apiVersion, kind, name: target },
      ...hpaBounds(replicaBounds(object.spec), of.size),
      metrics: metricsOf(object, metrics),
      ...(behavior === undefined ? {} : { behavior }),
    },
  };
}

function labelsOf(object: ScaledObject): Readonly<Record<string, string>> {
  const { name = "", labels = {}, annotations: all = {} } = object.metadata;
  const excluded = new Set((all[annotations.hpaExcludedLabels] ?? "").split(","));
  return {
    "app.kubernetes.io/name": labelValue(hpaNameOf(object)),
    "app.kubernetes.io/version": KEDA_VERSION,
    "app.kubernetes.io/part-of": name,
    "app.kubernetes.io/managed-by": "keda-operator",
    ...Object.fromEntries(Object.entries(labels).filter(([key]) => !excluded.has(key))),
    [NAME_LABEL]: name,
  };
}

/** Cuts a name to what a label may be: it has to end with a letter or a digit. */
function labelValue(name: string): string {
  return name.slice(0, MAX_LABEL_LENGTH).replace(/[^A-Za-z0-9]+$/, "");
}

/** The configured behavior, with the directions that are paused disabled. */
function behaviorOf(object: ScaledObject): HorizontalPodAutoscalerSpec["behavior"] {
  const behavior = object.spec.advanced?.horizontalPodAutoscalerConfig?.behavior;
  const { isScaleInPaused, isScaleOutPaused } = readPause(object.metadata.annotations);
  if (!isScaleInPaused && !isScaleOutPaused) return behavior;
  return {
    ...behavior,
    ...(isScaleInPaused ? { scaleDown: { ...behavior?.scaleDown, selectPolicy: "Disabled" } } : {}),
    ...(isScaleOutPaused ? { scaleUp: { ...behavior?.scaleUp, selectPolicy: "Disabled" } } : {}),
  };
}

/** With a formula, one metric stands for all external ones. Sorted by type, and within a type as the triggers are. */
function metricsOf(object: ScaledObject, { resource, external }: TriggerMetrics): readonly MetricSpec[] {
  const composite = compositeOf(object);
  const externals =
    composite === undefined || external.length === 0
      ? external.map(({ name, spec }) =>
          externalMetric(object, { name, targetType: spec.targetType, quantity: targetQuantity(spec) }),
        )
      : [externalMetric(object, composite)];
  const all = [...externals, ...resource];
  return all.toSorted((a, b) => (a.type < b.type ? -1 : a.type > b.type ? 1 : 0));
}

interface ExternalTarget {
  readonly name: string;
  readonly targetType: "AverageValue" | "Value";
  readonly quantity: string;
}

function externalMetric(object: ScaledObject, { name, targetType, quantity }: ExternalTarget): MetricSpec {
  const selector = { matchLabels: { [NAME_LABEL]: object.metadata.name ?? "" } };
  const target =
    targetType === "Value"
      ? ({ type: "Value", value: quantity } as const)
      : ({ type: "AverageValue", averageValue: quantity } as const);
  return { type: "External", external: { metric: { name, selector }, target } };
}

function compositeOf(object: ScaledObject): ExternalTarget | undefined {
  const modifiers = formulaOf(object.spec);
  if (modifiers === undefined) return undefined;
  const { target, targetType } = modifiers;
  return { name: COMPOSITE_METRIC, targetType, quantity: targetQuantity({ target, isWhole: false }) };
}

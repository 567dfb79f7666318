import { isObject } from "#base";
import type { KindDefinition } from "../kind.ts";
import type { KubeObject } from "../meta.ts";
import {
  atomic,
  between,
  int32,
  int64,
  listOf,
  mapListOf,
  oneOf,
  quantity,
  struct,
  text,
  time,
  withDefault,
} from "../schema/build.ts";
import { labelSelector } from "../schema/meta-schema.ts";
import type { Schema } from "../schema/schema.ts";
import { type BuiltinGroup, builtinKind } from "./builtin-kind.ts";
import { updateAt } from "./complete-pod.ts";
import { withInitialStatus } from "./core.ts";
import type { Fields } from "./struct-fields.ts";

/** The HorizontalPodAutoscaler of `autoscaling/v2`. Source: Kubernetes `autoscaling/v2` types and defaults. */

const group: BuiltinGroup = { group: "autoscaling", version: "v2", definitions: "io.k8s.api.autoscaling.v2" };
const v2 = (name: string): string => `${group.definitions}.${name}`;

const objectReference = struct(v2("CrossVersionObjectReference"), { kind: text, name: text, apiVersion: text }, [
  "kind",
  "name",
]);
const metric = struct(v2("MetricIdentifier"), { name: text, selector: labelSelector }, ["name"]);
const target = struct(
  v2("MetricTarget"),
  {
    type: oneOf("Utilization", "Value", "AverageValue"),
    value: quantity,
    averageValue: quantity,
    averageUtilization: between(1, undefined, int32),
  },
  ["type"],
);

const metricSpec = struct(
  v2("MetricSpec"),
  {
    type: oneOf("Object", "Pods", "Resource", "ContainerResource", "External"),
    object: struct(v2("ObjectMetricSource"), { describedObject: objectReference, target, metric }, [
      "describedObject",
      "target",
      "metric",
    ]),
    pods: struct(v2("PodsMetricSource"), { metric, target }, ["metric", "target"]),
    resource: struct(v2("ResourceMetricSource"), { name: text, target }, ["name", "target"]),
    containerResource: struct(v2("ContainerResourceMetricSource"), { name: text, container: text, target }, [
      "name",
      "target",
      "container",
    ]),
    external: struct(v2("ExternalMetricSource"), { metric, target }, ["metric", "target"]),
  },
  ["type"],
);

const current = struct(v2("MetricValueStatus"), { value: quantity, averageValue: quantity, averageUtilization: int32 });
const metricStatus = struct(v2("MetricStatus"), {
  type: text,
  object: struct(v2("ObjectMetricStatus"), { metric, current, describedObject: objectReference }),
  pods: struct(v2("PodsMetricStatus"), { metric, current }),
  resource: struct(v2("ResourceMetricStatus"), { name: text, current }),
  containerResource: struct(v2("ContainerResourceMetricStatus"), { name: text, current, container: text }),
  external: struct(v2("ExternalMetricStatus"), { metric, current }),
});

const scalingRules: Schema = struct(v2("HPAScalingRules"), {
  stabilizationWindowSeconds: between(0, 3600, int32),
  selectPolicy: oneOf("Max", "Min", "Disabled"),
  policies: listOf(
    struct(
      v2("HPAScalingPolicy"),
      { type: oneOf("Percent", "Pods"), value: between(1, undefined, int32), periodSeconds: between(1, 1800, int32) },
      ["type", "value", "periodSeconds"],
    ),
  ),
  tolerance: quantity,
});

const conditions = mapListOf(
  ["type"],
  struct(v2("HorizontalPodAutoscalerCondition"), {
    type: text,
    status: text,
    lastTransitionTime: time,
    reason: text,
    message: text,
  }),
);

const horizontalPodAutoscaler = {
  kind: "HorizontalPodAutoscaler",
  shortNames: ["hpa"],
  categories: ["all"],
  fields: {
    spec: struct(
      v2("HorizontalPodAutoscalerSpec"),
      {
        scaleTargetRef: objectReference,
        minReplicas: withDefault(1, between(1, undefined, int32)),
        maxReplicas: int32,
        metrics: listOf(metricSpec),
        behavior: struct(v2("HorizontalPodAutoscalerBehavior"), { scaleUp: scalingRules, scaleDown: scalingRules }),
      },
      ["scaleTargetRef"],
    ),
    status: struct(v2("HorizontalPodAutoscalerStatus"), {
      observedGeneration: int64,
      lastScaleTime: time,
      currentReplicas: int32,
      desiredReplicas: int32,
      currentMetrics: listOf(metricStatus),
      conditions: { ...conditions, "x-kubernetes-patch-strategy": "merge", "x-kubernetes-patch-merge-key": "type" },
    }),
  },
  complete: (object: KubeObject, old: KubeObject | undefined): KubeObject =>
    withInitialStatus({ currentMetrics: null, desiredReplicas: 0 })(updateAt(object, ["spec"], completeSpec), old),
};

const DEFAULT_METRICS = [
  { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } } },
];

/** Source: `SetDefaults_HorizontalPodAutoscaler` and `GenerateHPAScaleUpRules`, `GenerateHPAScaleDownRules`. */
function completeSpec(spec: Fields): Fields {
  const metrics = Array.isArray(spec.metrics) && spec.metrics.length > 0 ? spec.metrics : DEFAULT_METRICS;
  if (!isObject(spec.behavior)) return { ...spec, metrics };
  const { scaleUp, scaleDown } = spec.behavior;
  const behavior = {
    scaleUp: { ...SCALE_UP, ...(isObject(scaleUp) ? scaleUp : {}) },
    scaleDown: { ...SCALE_DOWN, ...(isObject(scaleDown) ? scaleDown : {}) },
  };
  return { ...spec, metrics, behavior };
}

const SCALE_UP = {
  stabilizationWindowSeconds: 0,
  selectPolicy: "Max",
  policies: [
    { type: "Pods", value: 4, periodSeconds: 15 },
    { type: "Percent", value: 100, periodSeconds: 15 },
  ],
};
const SCALE_DOWN = { selectPolicy: "Max", policies: [{ type: "Percent", value: 100, periodSeconds: 15 }] };

/** Kinds of `autoscaling/v2`. */
export const autoscalingKinds: readonly KindDefinition[] = [builtinKind(group, horizontalPodAutoscaler)];

/** `autoscaling/v1` Scale, the body of every scale subresource. */
export const scaleSchema: Schema = struct("io.k8s.api.autoscaling.v1.Scale", {
  apiVersion: text,
  kind: text,
  metadata: atomic({ type: "object", "x-kubernetes-preserve-unknown-fields": true }),
  spec: struct("io.k8s.api.autoscaling.v1.ScaleSpec", { replicas: between(0, undefined, int32) }),
  status: struct("io.k8s.api.autoscaling.v1.ScaleStatus", { replicas: int32, selector: text }),
});

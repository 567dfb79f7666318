import { isObject } from "#base";
import type { KubeObject } from "../meta.ts";
import type { Resource } from "../resource.ts";
import { asStructs, type Fields } from "./struct-fields.ts";

/** How a version of a built-in kind is turned into the version that is stored, and back. */
export interface KindConversion {
  readonly toStored: (object: KubeObject) => KubeObject;
  readonly toServed: (object: KubeObject) => KubeObject;
}

/** Returns how a kind's version differs from the stored one; undefined where they are the same. */
export function builtinConversionOf(
  resource: Pick<Resource, "group" | "version" | "kind">,
): KindConversion | undefined {
  switch (`${resource.group}/${resource.version}/${resource.kind}`) {
    case "autoscaling/v1/HorizontalPodAutoscaler":
      return { toStored: autoscalerToV2, toServed: autoscalerToV1 };
    case "events.k8s.io/v1/Event":
      return { toStored: eventToCore, toServed: eventFromCore };
    default:
      return undefined;
  }
}

/** What `v1` has no field for travels in this annotation, as JSON of the `v2` fields, so that writing back loses nothing. */
const V2_ANNOTATION = "autoscaling.serin.dev/v2-spec";
const DEFAULT_CPU_PERCENT = 80;

function autoscalerToV2(object: KubeObject): KubeObject {
  if (object.apiVersion !== "autoscaling/v1") return object;
  const spec: Fields = isObject(object.spec) ? object.spec : {};
  const status: Fields = isObject(object.status) ? object.status : {};
  const { targetCPUUtilizationPercentage: cpu, ...specRest } = spec;
  const { currentCPUUtilizationPercentage: currentCpu, ...statusRest } = status;
  const { [V2_ANNOTATION]: carried, ...annotations } = object.metadata.annotations ?? {};
  const { metrics: otherMetrics, ...carriedRest } = parseCarried(carried);
  const others = asStructs(otherMetrics);
  // The default stands in for a missing metric; an autoscaler that has others needs none.
  const percent = cpu ?? (others.length === 0 ? DEFAULT_CPU_PERCENT : undefined);
  const metrics = percent === undefined ? others : [cpuMetric(percent), ...others];
  const current =
    currentCpu === undefined
      ? []
      : [{ type: "Resource", resource: { name: "cpu", current: { averageUtilization: currentCpu } } }];
  return {
    ...object,
    apiVersion: "autoscaling/v2",
    metadata: withAnnotations(object, annotations),
    spec: { ...specRest, ...carriedRest, metrics },
    ...(object.status === undefined ? {} : { status: { ...statusRest, currentMetrics: current } }),
  };
}

function autoscalerToV1(object: KubeObject): KubeObject {
  if (object.apiVersion !== "autoscaling/v2") return object;
  const spec: Fields = isObject(object.spec) ? object.spec : {};
  const { metrics, behavior, ...specRest } = spec;
  const cpu = asStructs(metrics).find(isCpuUtilization);
  const others = asStructs(metrics).filter((metric) => metric !== cpu);
  const carried = {
    ...(others.length === 0 ? {} : { metrics: others }),
    ...(behavior === undefined ? {} : { behavior }),
  };
  const annotations = { ...object.metadata.annotations };
  if (Object.keys(carried).length > 0) annotations[V2_ANNOTATION] = JSON.stringify(carried);
  const percent = cpu === undefined ? undefined : at(cpu, ["resource", "target", "averageUtilization"]);
  return {
    ...object,
    apiVersion: "autoscaling/v1",
    metadata: withAnnotations(object, annotations),
    spec: { ...specRest, ...(percent === undefined ? {} : { targetCPUUtilizationPercentage: percent }) },
    ...(isObject(object.status) ? { status: statusToV1(object.status) } : {}),
  };
}

function statusToV1(status: Fields): Fields {
  const { observedGeneration, lastScaleTime, currentReplicas, desiredReplicas, currentMetrics } = status;
  const cpu = asStructs(currentMetrics).find((metric) => at(metric, ["resource", "name"]) === "cpu");
  const percent = cpu === undefined ? undefined : at(cpu, ["resource", "current", "averageUtilization"]);
  const fields = {
    observedGeneration,
    lastScaleTime,
    currentReplicas,
    desiredReplicas,
    currentCPUUtilizationPercentage: percent,
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function cpuMetric(percent: unknown): Fields {
  return { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: percent } } };
}

function isCpuUtilization(metric: Fields): boolean {
  return at(metric, ["resource", "name"]) === "cpu" && at(metric, ["resource", "target", "type"]) === "Utilization";
}

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((inner, key) => (isObject(inner) ? inner[key] : undefined), value);
}

/** The annotation may have been edited by hand; what cannot be read is as if it were not there. */
function parseCarried(text: string | undefined): Fields {
  if (text === undefined) return {};
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value)
      ? { metrics: value.metrics, ...(isObject(value.behavior) ? { behavior: value.behavior } : {}) }
      : {};
  } catch {
    return {};
  }
}

function withAnnotations(object: KubeObject, annotations: Readonly<Record<string, string>>): KubeObject["metadata"] {
  const { annotations: _before, ...rest } = object.metadata;
  return Object.keys(annotations).length === 0 ? rest : { ...rest, annotations };
}

/** Field names of `events.k8s.io/v1` and of the core group. Source: Kubernetes `pkg/apis/core/v1` event conversion. */
const EVENT_FIELDS: readonly (readonly [string, string])[] = [
  ["note", "message"],
  ["regarding", "involvedObject"],
  ["reportingController", "reportingComponent"],
  ["deprecatedSource", "source"],
  ["deprecatedFirstTimestamp", "firstTimestamp"],
  ["deprecatedLastTimestamp", "lastTimestamp"],
  ["deprecatedCount", "count"],
];

function eventToCore(object: KubeObject): KubeObject {
  return object.apiVersion === "events.k8s.io/v1" ? renamed(object, "v1", new Map(EVENT_FIELDS)) : object;
}

function eventFromCore(object: KubeObject): KubeObject {
  const back = new Map(EVENT_FIELDS.map(([events, core]) => [core, events] as const));
  return object.apiVersion === "v1" ? renamed(object, "events.k8s.io/v1", back) : object;
}

function renamed(object: KubeObject, apiVersion: string, names: ReadonlyMap<string, string>): KubeObject {
  const { apiVersion: _before, kind, metadata, ...fields } = object;
  const entries = Object.entries(fields).map(([key, value]) => [names.get(key) ?? key, value] as const);
  return { apiVersion, kind, metadata, ...Object.fromEntries(entries) };
}

import type { KubeObject, ObjectMeta } from "#api";
import { isObject } from "#base";
import type { Conversion } from "./endpoint.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Annotations in which version 1 carries what it has no fields for, so that a client of it loses nothing. */
const METRICS = "autoscaling.alpha.kubernetes.io/metrics";
const BEHAVIOR = "autoscaling.alpha.kubernetes.io/behavior";
const CONDITIONS = "autoscaling.alpha.kubernetes.io/conditions";

/**
 * `autoscaling/v1` has one target, the use of CPU, and no conditions; version 2, which is stored, has lists.
 *
 * Source: `pkg/apis/autoscaling/v1` conversions; the annotations carry the fields of version 2 as they are.
 */
export const autoscalerConversion: Conversion = { toStored, toServed };

function toStored(autoscaler: KubeObject): KubeObject {
  const { targetCPUUtilizationPercentage: percent, ...spec } = fieldsOf(autoscaler.spec);
  const { currentCPUUtilizationPercentage: current, ...status } = fieldsOf(autoscaler.status);
  const annotations = autoscaler.metadata.annotations ?? {};
  const metrics = [...(typeof percent === "number" ? [cpuTarget(percent)] : []), ...listFrom(annotations[METRICS])];
  const behavior = parsed(annotations[BEHAVIOR]);
  const conditions = listFrom(annotations[CONDITIONS]);
  return {
    ...autoscaler,
    apiVersion: "autoscaling/v2",
    metadata: withAnnotations(autoscaler.metadata, {
      [METRICS]: undefined,
      [BEHAVIOR]: undefined,
      [CONDITIONS]: undefined,
    }),
    spec: { ...spec, ...(metrics.length > 0 ? { metrics } : {}), ...(isObject(behavior) ? { behavior } : {}) },
    ...(autoscaler.status === undefined
      ? {}
      : {
          status: {
            ...status,
            ...(typeof current === "number" ? { currentMetrics: [cpuCurrent(current)] } : {}),
            ...(conditions.length > 0 ? { conditions } : {}),
          },
        }),
  };
}

function toServed(autoscaler: KubeObject): KubeObject {
  const { metrics, behavior, ...spec } = fieldsOf(autoscaler.spec);
  const { currentMetrics, conditions, ...status } = fieldsOf(autoscaler.status);
  const all = Array.isArray(metrics) ? metrics : [];
  const cpu = all.find((metric) => cpuPercentOf(metric, "target") !== undefined);
  const percent = cpuPercentOf(cpu, "target");
  const current = (Array.isArray(currentMetrics) ? currentMetrics : [])
    .map((metric) => cpuPercentOf(metric, "current"))
    .find((value) => value !== undefined);
  const others = all.filter((metric) => metric !== cpu);
  const metadata = withAnnotations(autoscaler.metadata, {
    [METRICS]: others.length > 0 ? JSON.stringify(others) : undefined,
    [BEHAVIOR]: behavior === undefined ? undefined : JSON.stringify(behavior),
    [CONDITIONS]: Array.isArray(conditions) && conditions.length > 0 ? JSON.stringify(conditions) : undefined,
  });
  return {
    ...autoscaler,
    apiVersion: "autoscaling/v1",
    metadata,
    spec: { ...spec, ...(percent === undefined ? {} : { targetCPUUtilizationPercentage: percent }) },
    ...(autoscaler.status === undefined
      ? {}
      : { status: { ...status, ...(current === undefined ? {} : { currentCPUUtilizationPercentage: current }) } }),
  };
}

function fieldsOf(value: unknown): Fields {
  return isObject(value) ? value : {};
}

function cpuTarget(percent: number): Fields {
  return { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: percent } } };
}

function cpuCurrent(percent: number): Fields {
  return { type: "Resource", resource: { name: "cpu", current: { averageUtilization: percent } } };
}

function cpuPercentOf(metric: unknown, part: "target" | "current"): number | undefined {
  const resource = fieldsOf(fieldsOf(metric)["resource"]);
  const percent = fieldsOf(resource[part])["averageUtilization"];
  return resource["name"] === "cpu" && typeof percent === "number" ? percent : undefined;
}

function withAnnotations(metadata: ObjectMeta, changes: Readonly<Record<string, string | undefined>>): ObjectMeta {
  const entries = Object.entries({ ...metadata.annotations, ...changes }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  const { annotations: _annotations, ...rest } = metadata;
  return entries.length === 0 ? rest : { ...rest, annotations: Object.fromEntries(entries) };
}

function listFrom(text: string | undefined): readonly unknown[] {
  const value = parsed(text);
  return Array.isArray(value) ? value : [];
}

function parsed(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    // An annotation that a person wrote; it says nothing that can be used.
    return undefined;
  }
}

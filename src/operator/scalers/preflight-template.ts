import type { Container, HorizontalPodAutoscaler, KubeObject, PodTemplateSpec } from "#api";
import { isObject } from "#base";
import { type Copy, type Finding, pathOf, type PreflightFacts } from "./preflight-facts.ts";
import { ruleOf, triggersOf } from "./triggers.ts";

/** What the pod template that is to be released means for the autoscalers. */

/** A metric of the pods' own cpu or memory. */
interface PodMetric {
  readonly path: string;
  readonly resource: string;
  /** The one container that is measured; undefined for all of them. */
  readonly container: string | undefined;
  /** Measured against what the containers request. */
  readonly isOfRequest: boolean;
}

/**
 * One pod without the container, or without a request, takes the whole metric away: the copy keeps its size, whatever its
 * load. Source: keda-hpa-spec 18.3, 20.30.
 */
export function containerFindings({ scaler, target, primary }: PreflightFacts): Finding[] {
  const source = scaler?.source;
  if (source === undefined || target === undefined) return [];
  return podMetrics(source).flatMap((metric): Finding[] => {
    const measured = measuredBy(metric, target.template);
    if (metric.container !== undefined && measured.length === 0) return [missingContainer(metric, target, primary)];
    const bare = measured.filter((container) => !requests(container, metric.resource));
    if (!metric.isOfRequest || bare.length === 0) return [];
    const had = primary === undefined ? [] : measuredBy(metric, primary.template);
    const hadThem = had.length > 0 && had.every((container) => requests(container, metric.resource));
    const names = bare.map(({ name }) => `"${name}"`).join(", ");
    return [
      {
        // A LimitRange may state them, as it must where there never were any.
        level: hadThem ? "mild" : "advice",
        problem: {
          path: metric.path,
          code: "request-missing",
          message: `measures ${metric.resource} against what is requested, and the template requests none for ${names}`,
          fix: `set resources.requests.${metric.resource}, unless a LimitRange of the namespace does`,
        },
      },
    ];
  });
}

function missingContainer(metric: PodMetric, target: Copy, primary: Copy | undefined): Finding {
  const hadIt = primary !== undefined && measuredBy(metric, primary.template).length > 0;
  const known = (target.template.spec.containers ?? []).map(({ name }) => `"${name}"`).join(", ");
  return {
    // Without it before there is nothing that the release would take away.
    level: hadIt ? "blocking" : "mild",
    problem: {
      path: metric.path,
      code: "container-missing",
      message: `measures the container "${metric.container}", which the template does not have: it has ${known}`,
      fix: "name one of these in the metric, or keep the container's name",
    },
  };
}

function measuredBy({ container }: PodMetric, { spec }: PodTemplateSpec): readonly Container[] {
  const containers = spec.containers ?? [];
  return container === undefined ? containers : containers.filter(({ name }) => name === container);
}

/** A limit is a request where none is stated. Source: Kubernetes, "Resource Management for Pods and Containers". */
function requests({ resources }: Container, resource: string): boolean {
  return resources?.requests?.[resource] !== undefined || resources?.limits?.[resource] !== undefined;
}

function podMetrics(source: KubeObject): PodMetric[] {
  if (source.kind === "ScaledObject") return metricsOfTriggers(source);
  const { metrics = [] } = (source as HorizontalPodAutoscaler).spec;
  return metrics.flatMap(({ resource, containerResource }, index): PodMetric[] => {
    const measured = containerResource ?? resource;
    if (measured === undefined) return [];
    return [
      {
        path: `${pathOf(source)} spec.metrics[${index}]`,
        resource: measured.name,
        container: containerResource?.container,
        isOfRequest: measured.target.type === "Utilization",
      },
    ];
  });
}

function metricsOfTriggers(source: KubeObject): PodMetric[] {
  const triggers = triggersOf(isObject(source.spec) ? source.spec : {});
  return triggers.flatMap((trigger, index): PodMetric[] => {
    if (ruleOf(trigger.type) !== "pods") return [];
    return [
      {
        path: `${pathOf(source)} spec.triggers[${index}]`,
        resource: trigger.type,
        container: trigger.metadata?.containerName,
        isOfRequest: trigger.metricType === "Utilization",
      },
    ];
  });
}

/**
 * Parameters that KEDA takes from a variable of the target's container. The twin takes them from the primary's, whose
 * template is a copy: what the new one lacks its scaler is built without. Source: keda-hpa-spec 13, 20.31.
 */
export function envFindings(facts: PreflightFacts): Finding[] {
  const { scaler, target, primary } = facts;
  const source = scaler?.source;
  if (source === undefined || source.kind !== "ScaledObject" || target === undefined) return [];
  const spec = isObject(source.spec) ? source.spec : {};
  const ref = isObject(spec.scaleTargetRef) ? spec.scaleTargetRef : {};
  const from = typeof ref.envSourceContainerName === "string" ? ref.envSourceContainerName : undefined;
  return triggersOf(spec).flatMap((trigger, index) =>
    Object.entries(trigger.metadata ?? {}).flatMap(([key, variable]): Finding[] => {
      if (!key.endsWith("FromEnv") || hasVariable(target, { from, variable }, facts)) return [];
      const hadIt = primary !== undefined && hasVariable(primary, { from, variable }, facts);
      return [
        {
          level: hadIt ? "blocking" : "mild",
          problem: {
            path: `${pathOf(source)} spec.triggers[${index}].metadata.${key}`,
            code: "env-missing",
            message: `the template's container ${from === undefined ? "(the first)" : `"${from}"`} has no variable "${variable}"`,
            fix: "give it the variable, or take the parameter from a TriggerAuthentication",
          },
        },
      ];
    }),
  );
}

function hasVariable(
  { template }: Copy,
  of: { readonly from: string | undefined; readonly variable: string },
  { keysOf }: Pick<PreflightFacts, "keysOf">,
): boolean {
  const containers = template.spec.containers ?? [];
  const container = of.from === undefined ? containers[0] : containers.find(({ name }) => name === of.from);
  if (container === undefined) return false;
  if (container.env?.some(({ name }) => name === of.variable) === true) return true;
  return (container.envFrom ?? []).some(({ prefix = "", configMapRef, secretRef }) => {
    const keys =
      configMapRef === undefined
        ? keysOf("Secret", secretRef?.name ?? "")
        : keysOf("ConfigMap", configMapRef.name ?? "");
    // What cannot be seen may have it.
    return keys === undefined || keys.some((key) => `${prefix}${key}` === of.variable);
  });
}

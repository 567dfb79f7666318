import type { Canary, CanaryMetric } from "#api";
import { err, isObject, ok, type Result } from "#base";
import { namesOf } from "#rollout";
import { DEFAULT_METRIC_INTERVAL, metricsProviderOf } from "./builtin-queries.ts";
import type { MeasureContext } from "./measure-context.ts";
import type { TemplateValues } from "./template.ts";

/** What a Canary's query templates may use. Source: flagger-spec 5.3. */
export function templateValuesOf(
  canary: Canary,
  metric: Pick<CanaryMetric, "interval" | "templateVariables">,
  context: Pick<MeasureContext, "meshProvider" | "knativeRevision">,
): Result<TemplateValues, string> {
  const names = namesOf(canary);
  const route = routeOf(canary, context);
  if (!route.ok) return route;
  return ok({
    name: names.canary,
    namespace: names.namespace,
    target: names.target,
    service: names.apexService,
    ingress: referred(canary, "ingressRef") ?? names.target,
    route: route.value,
    interval: metric.interval || DEFAULT_METRIC_INTERVAL,
    variables: metric.templateVariables ?? {},
  });
}

function routeOf(
  canary: Canary,
  { meshProvider, knativeRevision }: Pick<MeasureContext, "meshProvider" | "knativeRevision">,
): Result<string, string> {
  const { namespace, target } = namesOf(canary);
  if (metricsProviderOf(canary, meshProvider ?? "") !== "knative") return ok(referred(canary, "routeRef") ?? target);
  const revision = knativeRevision?.({ namespace, name: target });
  return revision === undefined
    ? err(`the latest revision of the Knative Service "${namespace}/${target}" is not known yet`)
    : ok(revision);
}

/** The name in `spec.ingressRef` and the like. */
function referred(canary: Canary, field: "ingressRef" | "routeRef"): string | undefined {
  const spec: unknown = canary.spec;
  const reference = isObject(spec) ? spec[field] : undefined;
  const name = isObject(reference) ? reference.name : undefined;
  return typeof name === "string" && name !== "" ? name : undefined;
}

import type { Canary, Resource } from "#api";
import { isObject } from "#base";
import type { OperatorContext } from "../operator-context.ts";
import { configRefs, primaryConfigName } from "../workloads/index.ts";
import { floorConfigName, generatedHpaName } from "../capacity/index.ts";
import type { Routing, Snapshot } from "./read.ts";
import { targetId } from "./refusals.ts";
import { loadId, scaledId } from "./wakes.ts";

/** Names, as `namespace/kind/name`, of the objects whose changes concern a Canary. */
export function dependenciesOf(snapshot: Snapshot, context: Pick<OperatorContext, "views">): string[] {
  const { names, workload, canary, routing } = snapshot;
  const own = [
    targetId(names),
    ...[names.target, names.primary].map((name) => scaledId({ kind: names.targetKind, name })),
    `${names.targetKind}/${names.target}`,
    `${names.targetKind}/${names.primary}`,
    ...[names.apexService, names.primaryService, names.canaryService].map((name) => `Service/${name}`),
    ...routedObjects(routing).map(({ resource, name }) => `${resource.kind}/${name}`),
    ...[names.primaryService, names.canaryService].map((name) => `EndpointSlice/${name}`),
    ...(workload?.template === undefined || workload.configs === undefined
      ? []
      : configRefs(workload.template.spec).flatMap(({ kind, name }) => [
          `${kind}/${name}`,
          `${kind}/${primaryConfigName(name)}`,
        ])),
  ];
  return [
    ...own.map((id) => `${names.namespace}/${id}`),
    ...scalerIds(snapshot),
    ...referencesOf(canary, names.namespace, context),
  ];
}

/** Phases in which traffic may move, and what the load asks for is of interest at once. */
const MOVING: ReadonlySet<string> = new Set(["Progressing", "WaitingPromotion", "Promoting", "Finalising"]);

function scalerIds({ canary, names, scaler }: Snapshot): string[] {
  const source = canary.spec?.autoscalerRef?.name;
  if (scaler === undefined || source === undefined) return [];
  const { kind } = scaler.resource;
  const both = [source, `${source}-primary`];
  const [mine, twin] = [scaler.source, scaler.primary];
  const hpas =
    kind === "ScaledObject" ? [mine, twin].flatMap((one) => (one === undefined ? [] : [generatedHpaName(one)])) : both;
  const own = [
    ...both.map((name) => `${kind}/${name}`),
    ...hpas.map((name) => `HorizontalPodAutoscaler/${name}`),
    `ConfigMap/${floorConfigName(names.canary)}`,
  ].map((id) => `${names.namespace}/${id}`);
  const isMoving = MOVING.has(canary.status?.phase ?? "");
  return isMoving ? [...own, ...hpas.map((name) => loadId(names.namespace, name))] : own;
}

/** A router reads a spec that may be broken; one without a service has no objects. */
function routedObjects(
  routing: Routing | undefined,
): readonly { readonly resource: Resource; readonly name: string }[] {
  if (routing?.context.canary.spec?.service === undefined) return [];
  return routing.router.objects(routing.context);
}

/** MetricTemplates and AlertProviders, which may be of other namespaces, and their Secrets, which are beside them. */
function referencesOf(canary: Canary, own: string, { views }: Pick<OperatorContext, "views">): string[] {
  const { metrics, alerts }: Partial<Canary["spec"]["analysis"]> = canary.spec?.analysis ?? {};
  const templates = refsIn(metrics, "templateRef", own).flatMap((at) => {
    const secret = views.metricTemplates.get(at)?.spec.provider.secretRef?.name;
    return idsOf("MetricTemplate", at, secret);
  });
  const providers = refsIn(alerts, "providerRef", own).flatMap((at) => {
    const secret = views.alertProviders.get(at)?.spec.secretRef?.name;
    return idsOf("AlertProvider", at, secret);
  });
  return [...templates, ...providers];
}

type Place = { readonly namespace: string; readonly name: string };

function idsOf(kind: string, { namespace, name }: Place, secret: string | undefined): string[] {
  const id = `${namespace}/${kind}/${name}`;
  return secret === undefined ? [id] : [id, `${namespace}/Secret/${secret}`];
}

/** References in a list of a spec that may be broken. */
function refsIn(list: unknown, field: string, own: string): Place[] {
  const entries: readonly unknown[] = Array.isArray(list) ? list : [];
  return entries.flatMap((entry) => {
    const ref = isObject(entry) ? entry[field] : undefined;
    if (!isObject(ref) || typeof ref.name !== "string") return [];
    const namespace = typeof ref.namespace === "string" && ref.namespace !== "" ? ref.namespace : own;
    return [{ namespace, name: ref.name }];
  });
}

import { formatSelector } from "#api";
import type { CustomMetricValue } from "../../metric-apis.ts";
import type { ApiResource } from "../registry/api-resource.ts";
import type { Endpoint } from "../registry/endpoint.ts";
import type { ApiRequest } from "../request/api-request.ts";
import type { ResourceTarget } from "../request/parse-target.ts";
import type { Answer } from "../respond/answer.ts";
import { parseLabelSelector, readLabelSelector } from "../select/label-selector.ts";
import type { ServerContext } from "../server-context.ts";
import { methodNotAllowed, unknownResource } from "../status/status-error.ts";
import { secondsIso } from "../write/write-scope.ts";
import { fromSource, metricNotFound, metricQuantity } from "./external-metrics.ts";
import { openEndpoint } from "./virtual-endpoint.ts";

export const CUSTOM_METRICS_GROUP = "custom.metrics.k8s.io";
const GROUP = { group: CUSTOM_METRICS_GROUP, version: "v1beta2" };
const LIST = { kind: "MetricValueList", apiVersion: `${GROUP.group}/${GROUP.version}` };

/** Metrics of objects of the cluster. Source: `custom.metrics.k8s.io/v1beta2`; discovery lists `RESOURCE/METRIC`. */
export function customMetricsEndpoint(context: ServerContext): Endpoint {
  return openEndpoint({ ...GROUP, kind: "MetricValue" }, () => listedMetrics(context));
}

function listedMetrics(context: ServerContext): readonly ApiResource[] {
  const bySingular = new Map(
    context.registry
      .all()
      .filter(({ virtualVerbs }) => virtualVerbs === undefined)
      .map((endpoint) => [endpoint.kind.singular, endpoint] as const)
      .reverse(),
  );
  const names = context.metrics()?.custom.names() ?? [];
  return names.flatMap(({ metric, singular }) => {
    const described = bySingular.get(singular);
    if (described === undefined) return [];
    const { namespaced } = described.kind.resource;
    return [
      {
        name: `${qualifiedPlural(described)}/${metric}`,
        singularName: "",
        namespaced,
        kind: LIST.kind,
        verbs: ["get"],
      },
    ];
  });
}

function qualifiedPlural({ kind }: Endpoint): string {
  const { group, plural } = kind.resource;
  return group === "" ? plural : `${plural}.${group}`;
}

/** A request for a metric: of which kind, of which objects. */
interface Described {
  readonly endpoint: Endpoint;
  readonly metric: string;
  /** Absent for objects that are in none. */
  readonly namespace: string | undefined;
  /** `*` is all that the label selector matches. */
  readonly name: string;
}

/**
 * Answers `/namespaces/NAMESPACE/RESOURCE/NAME/METRIC`, where NAME may be `*` with a `labelSelector`, the same without a
 * namespace for resources that have none, and `/namespaces/NAME/metrics/METRIC` for a namespace itself.
 */
export async function answerCustomMetric(
  context: ServerContext,
  { target, query }: ApiRequest,
  method: string,
): Promise<Answer> {
  if (method !== "GET" && method !== "HEAD") throw methodNotAllowed();
  const described = describedBy(context, target);
  if (described === undefined) throw unknownResource();
  const { endpoint, metric, namespace, name } = described;
  const names = name === "*" ? selectNames(context, described, query.get("labelSelector") ?? "") : new Set([name]);
  const selector = readLabelSelector(query.get("metricLabelSelector") ?? "");
  const { singular } = endpoint.kind;
  const within = namespace === undefined ? {} : { namespace };
  const values = await fromSource(() =>
    context.metrics()?.custom.list({ metric, singular, ...within, names, selector }),
  );
  const isMissing = values === undefined || (name !== "*" && values.length === 0);
  if (isMissing) throw metricNotFound(metric, qualifiedPlural(endpoint), name === "*" ? undefined : name);
  const text = formatSelector(selector);
  const identifier = { name: metric, selector: text === "" ? null : selector };
  const items = values.map((value) => itemOf(described, identifier, value));
  return { type: "document", code: 200, document: { ...LIST, metadata: {}, items } };
}

function describedBy({ registry }: ServerContext, target: ResourceTarget): Described | undefined {
  const { namespace, plural: resource, name, subresource } = target;
  const isNamespace = namespace !== undefined && resource === "metrics" && subresource === undefined;
  const [plural = "", ...group] = isNamespace ? ["namespaces"] : resource.split(".");
  const endpoint = registry.findAnyVersion(group.join("."), plural);
  const [object, metric] = isNamespace ? [namespace, name] : [name, subresource];
  if (endpoint === undefined || object === undefined || metric === undefined || metric.includes("/")) return undefined;
  const within = isNamespace ? undefined : namespace;
  if (endpoint.kind.resource.namespaced !== (within !== undefined)) return undefined;
  return { endpoint, metric, namespace: within, name: object };
}

function selectNames(
  { store }: ServerContext,
  { endpoint, namespace }: Described,
  labelSelector: string,
): ReadonlySet<string> {
  const matches = parseLabelSelector(labelSelector);
  const objects = store.list(endpoint.collection, namespace);
  return new Set(objects.filter(({ object }) => matches(object.metadata.labels)).map(({ name }) => name));
}

function itemOf({ endpoint, namespace }: Described, metric: object, value: CustomMetricValue): object {
  return {
    describedObject: {
      kind: endpoint.kind.resource.kind,
      ...(namespace === undefined ? {} : { namespace }),
      name: value.name,
      apiVersion: endpoint.apiVersion,
    },
    metric,
    timestamp: secondsIso(value.timestampMs),
    ...(value.windowMs === undefined ? {} : { windowSeconds: value.windowMs / 1000 }),
    value: metricQuantity(value.value),
  };
}

import { type CrossVersionObjectReference, formatSelector, type KubeObject, type MetricIdentifier } from "#api";
import { Failure, isObject, parseDuration, parseQuantity } from "#base";
import { type KubeClient, queryOf, readText } from "#kube";
import { type ServedResource, timeMs } from "../shared/index.ts";
import type { PodSample } from "./group-pods.ts";
import type { MetricReader, ObjectQuery, PodsQuery, ResourceQuery } from "./metric-reader.ts";

const RESOURCE = { path: "/apis/metrics.k8s.io/v1beta1", title: "resource metrics API" };
const CUSTOM = { path: "/apis/custom.metrics.k8s.io/v1beta2", title: "custom metrics API" };
const EXTERNAL = { path: "/apis/external.metrics.k8s.io/v1beta1", title: "external metrics API" };

/** Window of a sample that does not say it. Source: metrics-server's default resolution. */
const DEFAULT_WINDOW_MS = 15_000;

export interface ReaderPorts {
  readonly client: KubeClient;
  /** Finds the resource of a kind. @throws Failure `NoMatch` */
  readonly resourceOf: (reference: CrossVersionObjectReference) => Promise<ServedResource>;
}

/**
 * Reads metrics as upstream's controller does: from the three metrics APIs of the API server, so that what an autoscaler sees
 * is what `kubectl get --raw` shows, whoever serves them.
 */
export function createApiMetricReader({ client, resourceOf }: ReaderPorts): MetricReader {
  return {
    async resource({ namespace, selector, resource, container }: ResourceQuery) {
      const query = queryOf({ labelSelector: selector });
      const items = await listItems(client, RESOURCE, `/namespaces/${encodeURIComponent(namespace)}/pods${query}`);
      return usageSamples(items as readonly KubeObject[], resource, container);
    },
    async pods({ namespace, selector, metric }: PodsQuery) {
      const query = queryOf({ labelSelector: selector, ...metricSelector(metric) });
      const path = `/namespaces/${encodeURIComponent(namespace)}/pods/*/${encodeURIComponent(metric.name)}${query}`;
      return podSamples(await listItems(client, CUSTOM, path));
    },
    async object({ namespace, object, metric }: ObjectQuery) {
      const path = await objectPath({ namespace, object, metric }, resourceOf);
      const [item] = await listItems(client, CUSTOM, `${path}${queryOf(metricSelector(metric))}`);
      return valueOf(item, CUSTOM.title);
    },
    async external({ namespace, metric }) {
      const labelSelector = metric.selector === undefined ? undefined : formatSelector(metric.selector);
      const query = queryOf({ labelSelector: labelSelector === "" ? undefined : labelSelector });
      const path = `/namespaces/${encodeURIComponent(namespace)}/${encodeURIComponent(metric.name)}${query}`;
      return (await listItems(client, EXTERNAL, path)).map((item) => valueOf(item, EXTERNAL.title));
    },
  };
}

function metricSelector({ selector }: MetricIdentifier): { metricLabelSelector?: string } {
  const text = selector === undefined ? "" : formatSelector(selector);
  return text === "" ? {} : { metricLabelSelector: text };
}

/** A namespace has its own form: its metrics lie inside of it. Source: the custom metrics API's paths. */
async function objectPath(
  { namespace, object, metric }: ObjectQuery,
  resourceOf: ReaderPorts["resourceOf"],
): Promise<string> {
  const [name, metricName] = [encodeURIComponent(object.name), encodeURIComponent(metric.name)];
  if (object.kind === "Namespace") return `/namespaces/${name}/metrics/${metricName}`;
  const resource = await resourceOf(object);
  const plural = resource.group === "" ? resource.plural : `${resource.plural}.${resource.group}`;
  const within = resource.namespaced ? `/namespaces/${encodeURIComponent(namespace)}` : "";
  return `${within}/${plural}/${name}/${metricName}`;
}

/** The items of a list; @throws Failure `NoMetrics` with what the API said, also when there are none. */
async function listItems(
  client: KubeClient,
  api: { readonly path: string; readonly title: string },
  path: string,
): Promise<readonly unknown[]> {
  const response = await client.raw({ path: `${api.path}${path}`, headers: { accept: "application/json" } });
  const text = await readText(response.body);
  const body = parse(text);
  if (response.status !== 200) {
    // What is no Status comes from a server that has no such group at all.
    const said = typeof body.message === "string" ? body.message : "the server could not find the requested resource";
    throw noMetrics(`unable to fetch metrics from ${api.title}: ${said}`);
  }
  const items = Array.isArray(body.items) ? body.items : [];
  if (items.length === 0) throw noMetrics(`no metrics returned from ${api.title}`);
  return items;
}

function noMetrics(message: string): Failure {
  return new Failure(message, { code: "NoMetrics", retryable: true });
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    // Plain text, which only a refusal has; the status code is judged by the caller.
    return {};
  }
}

/**
 * Reads PodMetrics; a pod with a container that lacks the resource has no sample.
 *
 * @throws Failure `NoMetrics` when a pod does not have the container that is asked for: its name is wrong, then.
 */
export function usageSamples(
  items: readonly KubeObject[],
  resource: string,
  container: string | undefined,
): ReadonlyMap<string, PodSample> {
  const samples = new Map<string, PodSample>();
  for (const item of items) {
    const { name = "", namespace = "" } = item.metadata;
    const all: readonly unknown[] = Array.isArray(item.containers) ? item.containers : [];
    const containers = all.filter(isObject).filter((one) => container === undefined || one.name === container);
    if (container !== undefined && containers.length === 0) {
      throw noMetrics(`container ${container} not present in metrics for pod ${namespace}/${name}`);
    }
    const usage = usageOf(containers, resource);
    const timestampMs = timeMs(textOf(item.timestamp));
    if (usage === undefined || timestampMs === undefined) continue;
    const window = typeof item.window === "string" ? parseDuration(item.window) : undefined;
    const windowMs = window?.ok === true ? window.value : DEFAULT_WINDOW_MS;
    samples.set(name, { usage, timestampMs, windowMs });
  }
  return samples;
}

function usageOf(containers: readonly Record<string, unknown>[], resource: string): number | undefined {
  if (containers.length === 0) return undefined;
  let sum = 0;
  for (const { usage } of containers) {
    const value = numberOf(isObject(usage) ? usage[resource] : undefined);
    if (value === undefined) return undefined;
    sum += value;
  }
  return sum;
}

/** Reads MetricValues that describe pods. */
function podSamples(items: readonly unknown[]): ReadonlyMap<string, PodSample> {
  const samples = new Map<string, PodSample>();
  for (const item of items) {
    if (!isObject(item) || !isObject(item.describedObject)) continue;
    const { name } = item.describedObject;
    const usage = numberOf(item.value);
    const timestampMs = timeMs(textOf(item.timestamp));
    if (typeof name !== "string" || usage === undefined || timestampMs === undefined) continue;
    const windowMs = typeof item.windowSeconds === "number" ? item.windowSeconds * 1000 : DEFAULT_WINDOW_MS;
    samples.set(name, { usage, timestampMs, windowMs });
  }
  return samples;
}

function valueOf(item: unknown, title: string): number {
  const value = numberOf(isObject(item) ? item.value : undefined);
  if (value === undefined) throw noMetrics(`the ${title} returned a value that is no quantity`);
  return value;
}

function numberOf(value: unknown): number | undefined {
  const quantity = typeof value === "string" || typeof value === "number" ? parseQuantity(value) : undefined;
  return quantity?.ok === true ? quantity.value : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

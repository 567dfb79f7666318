import type { Container, KubeObject, MetricSpec, MetricTarget, Pod, Resource } from "#api";
import { Failure, formatBytes, formatCores, isObject, parseDuration, parseQuantity } from "#base";
import { timeMs } from "../shared/index.ts";
import { groupPods, type PodSample } from "./group-pods.ts";
import type { MetricContext, MetricProposal, MetricSource } from "./metric-source.ts";
import { proposeReplicas, readyUsages } from "./propose-replicas.ts";

const podMetrics: Resource = {
  group: "metrics.k8s.io",
  version: "v1beta1",
  kind: "PodMetrics",
  plural: "pods",
  namespaced: true,
};
/** Window of a sample that does not say it. Source: metrics-server's default resolution. */
const DEFAULT_WINDOW_MS = 15_000;

/** CPU or memory of the pods against their requests or an absolute value. */
export const resourceMetric: MetricSource = {
  type: "Resource",
  failureReason: "FailedGetResourceMetric",
  async propose(spec, context) {
    const { name, target } = requireResource(spec);
    const samples = await readSamples(name, context);
    if (context.pods.length === 0) {
      throw new Failure("no pods returned by selector while calculating replica count", { code: "NoPods" });
    }
    return proposeFromSamples({ name, target, samples, context });
  },
};

function requireResource(spec: MetricSpec): NonNullable<MetricSpec["resource"]> {
  if (spec.resource !== undefined) return spec.resource;
  throw new Failure('a metric of type "Resource" needs the field "resource"', { code: "InvalidMetric" });
}

async function readSamples(name: string, context: MetricContext): Promise<ReadonlyMap<string, PodSample>> {
  const { namespace, selector } = context;
  try {
    const list = await context.client.list<KubeObject>(podMetrics, { namespace, labelSelector: selector });
    return samplesOf(list.items, name);
  } catch (cause) {
    throw new Failure(`unable to get metrics for resource ${name}`, { code: "NoMetrics", retryable: true, cause });
  }
}

/** Reads PodMetrics; a pod with a container that lacks the resource has no sample. */
export function samplesOf(items: readonly KubeObject[], resource: string): ReadonlyMap<string, PodSample> {
  const samples = new Map<string, PodSample>();
  for (const item of items) {
    const usage = usageOf(item.containers, resource);
    const timestampMs = timeMs(typeof item.timestamp === "string" ? item.timestamp : undefined);
    if (usage === undefined || timestampMs === undefined) continue;
    const window = typeof item.window === "string" ? parseDuration(item.window) : undefined;
    const windowMs = window?.ok === true ? window.value : DEFAULT_WINDOW_MS;
    samples.set(item.metadata.name ?? "", { usage, timestampMs, windowMs });
  }
  return samples;
}

function usageOf(containers: unknown, resource: string): number | undefined {
  if (!Array.isArray(containers) || containers.length === 0) return undefined;
  let sum = 0;
  for (const container of containers) {
    const usage = isObject(container) && isObject(container.usage) ? container.usage[resource] : undefined;
    const quantity = typeof usage === "string" || typeof usage === "number" ? parseQuantity(usage) : undefined;
    if (quantity?.ok !== true) return undefined;
    sum += quantity.value;
  }
  return sum;
}

/** The pure part: from samples to a proposal. */
export function proposeFromSamples(of: {
  readonly name: string;
  readonly target: MetricTarget;
  readonly samples: ReadonlyMap<string, PodSample>;
  readonly context: Pick<MetricContext, "pods" | "replicas" | "nowMs">;
}): MetricProposal {
  const { name, target, samples, context } = of;
  const groups = groupPods(context.pods, samples, { resource: name, nowMs: context.nowMs });
  const usages = readyUsages(groups, samples);
  const averageValue = formatUsage(name, sumOf(usages) / usages.size);
  const common = { groups, samples, replicas: context.replicas };
  if (target.type === "Utilization") {
    const percent = target.averageUtilization ?? 0;
    const requests = requestsOf(context.pods, name);
    const ratioOf = (some: ReadonlyMap<string, number>): number => utilization(some, requests) / percent;
    const assumedUsage = (pod: Pod): number =>
      (requests.get(pod.metadata.name ?? "") ?? 0) * (Math.max(100, percent) / 100);
    return {
      replicas: proposeReplicas({ ...common, ratioOf, assumedUsage }),
      name: `${name} resource utilization (percentage of request)`,
      current: currentOf(name, { averageUtilization: utilization(usages, requests), averageValue }),
    };
  }
  const average = averageTarget(target);
  const ratioOf = (some: ReadonlyMap<string, number>): number => sumOf(some) / some.size / average;
  return {
    replicas: proposeReplicas({ ...common, ratioOf, assumedUsage: () => average }),
    name: `${name} resource`,
    current: currentOf(name, { averageValue }),
  };
}

function averageTarget(target: MetricTarget): number {
  const quantity = target.averageValue === undefined ? undefined : parseQuantity(target.averageValue);
  if (quantity?.ok === true && quantity.value > 0) return quantity.value;
  throw new Failure("invalid resource metric source: neither an average utilization nor an average value was set", {
    code: "InvalidMetric",
  });
}

/** Percent of the requests that is used, cut to a whole number as upstream does. */
function utilization(usages: ReadonlyMap<string, number>, requests: ReadonlyMap<string, number>): number {
  let requested = 0;
  for (const pod of usages.keys()) requested += requests.get(pod) ?? 0;
  if (requested === 0) throw new Failure("no metrics returned matched known pods", { code: "NoMetrics" });
  // The bit on top undoes the error of sums like 0.1 + 0.2, which would cut a whole percent off.
  return Math.floor((100 * sumOf(usages)) / requested + 1e-9);
}

/** Requests by pod name. @throws Failure `MissingRequest` naming the container: without it a percentage means nothing. */
function requestsOf(pods: readonly Pod[], resource: string): ReadonlyMap<string, number> {
  const requests = new Map<string, number>();
  for (const pod of pods) {
    let sum = 0;
    for (const container of [...pod.spec.containers, ...sidecarsOf(pod)]) {
      const request = container.resources?.requests?.[resource];
      const quantity = request === undefined ? undefined : parseQuantity(request);
      if (quantity?.ok !== true) {
        throw new Failure(
          `missing request for ${resource} in container ${container.name} of Pod ${pod.metadata.name}`,
          {
            code: "MissingRequest",
          },
        );
      }
      sum += quantity.value;
    }
    requests.set(pod.metadata.name ?? "", sum);
  }
  return requests;
}

function sidecarsOf(pod: Pod): readonly Container[] {
  return (pod.spec.initContainers ?? []).filter((container) => container.restartPolicy === "Always");
}

function sumOf(usages: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const usage of usages.values()) sum += usage;
  return sum;
}

function formatUsage(resource: string, usage: number): string {
  return resource === "cpu" ? formatCores(usage) : formatBytes(Math.floor(usage));
}

function currentOf(name: string, current: Record<string, unknown>): Readonly<Record<string, unknown>> {
  return { type: "Resource", resource: { name, current } };
}

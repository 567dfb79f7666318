import type { Container, MetricTarget, Pod } from "#api";
import { Failure, formatBytes, formatCores, messageOf, parseQuantity } from "#base";
import { groupPods } from "./group-pods.ts";
import type { PodSamples } from "./metric-reader.ts";
import type { MetricContext, MetricProposal, MetricSource } from "./metric-source.ts";
import { proposeByAverage, proposeReplicas, readyUsages, sumOf } from "./propose-replicas.ts";

/** CPU or memory of whole pods or of one container in each, against its requests or an absolute value. */
export interface ResourceTarget {
  readonly name: string;
  readonly container?: string;
  readonly target: MetricTarget;
}

/** CPU or memory of the pods. */
export const resourceMetric: MetricSource = {
  type: "Resource",
  failureReason: "FailedGetResourceMetric",
  failureOf: (spec) => `failed to get ${spec.resource?.name ?? ""} resource metric value`,
  async propose(spec, context) {
    if (spec.resource === undefined) throw incomplete("Resource", "resource");
    return proposeFromUsage(spec.resource, context);
  },
};

/** CPU or memory of one container of the pods. */
export const containerResourceMetric: MetricSource = {
  type: "ContainerResource",
  failureReason: "FailedGetContainerResourceMetric",
  failureOf: (spec) => `failed to get ${spec.containerResource?.container ?? ""} container metric value`,
  async propose(spec, context) {
    if (spec.containerResource === undefined) throw incomplete("ContainerResource", "containerResource");
    return proposeFromUsage(spec.containerResource, context);
  },
};

function incomplete(type: string, field: string): Failure {
  return new Failure(`a metric of type "${type}" needs the field "${field}"`, { code: "InvalidMetric" });
}

async function proposeFromUsage(of: ResourceTarget, context: MetricContext): Promise<MetricProposal> {
  const { name, container, target } = of;
  const { namespace, selector, reader } = context;
  try {
    const query = { namespace, selector, resource: name, ...(container === undefined ? {} : { container }) };
    const samples = await reader.resource(query).catch((cause: unknown): never => {
      throw new Failure(`unable to get metrics for resource ${name}`, { code: "NoMetrics", retryable: true, cause });
    });
    if (context.pods.length === 0) {
      throw new Failure("no pods returned by selector while calculating replica count", { code: "NoPods" });
    }
    return proposeFromSamples(of, samples, context);
  } catch (thrown) {
    const what = target.type === "Utilization" ? "utilization" : "usage";
    throw new Failure(`failed to get ${name} ${what}: ${messageOf(thrown)}`, {
      code: thrown instanceof Failure ? thrown.code : "NoMetrics",
    });
  }
}

/** The pure part: from samples to a proposal. */
export function proposeFromSamples(
  of: ResourceTarget,
  samples: PodSamples,
  context: Pick<MetricContext, "pods" | "replicas" | "tolerance" | "nowMs">,
): MetricProposal {
  const { name, target } = of;
  const { pods, replicas, tolerance, nowMs } = context;
  const groups = groupPods(pods, samples, { resource: name, nowMs });
  const common = { groups, samples, replicas, tolerance };
  if (target.type === "Utilization") {
    const percent = percentTarget(target);
    const usages = readyUsages(groups, samples);
    const requests = requestsOf(pods, of);
    const ratioOf = (some: ReadonlyMap<string, number>): number => utilization(some, requests) / percent;
    const assumedUsage = (pod: Pod): number =>
      (requests.get(pod.metadata.name ?? "") ?? 0) * (Math.max(100, percent) / 100);
    const averageValue = formatUsage(name, sumOf(usages) / usages.size);
    return {
      replicas: proposeReplicas({ ...common, ratioOf, assumedUsage }),
      name: `${name} resource utilization (percentage of request)`,
      current: currentOf(of, { averageUtilization: utilization(usages, requests), averageValue }),
    };
  }
  const proposal = proposeByAverage({ ...common, target: averageTarget(target) });
  return {
    replicas: proposal.replicas,
    name: `${name} resource`,
    current: currentOf(of, { averageValue: formatUsage(name, proposal.average) }),
  };
}

/** Nothing to divide by would be a ratio without bound, and so the largest size. */
function percentTarget({ averageUtilization = 0 }: MetricTarget): number {
  if (averageUtilization > 0) return averageUtilization;
  throw withoutTarget();
}

function averageTarget(target: MetricTarget): number {
  const quantity = target.averageValue === undefined ? undefined : parseQuantity(target.averageValue);
  if (quantity?.ok === true && quantity.value > 0) return quantity.value;
  throw withoutTarget();
}

function withoutTarget(): Failure {
  const message = "invalid resource metric source: neither an average utilization nor an average value was set";
  return new Failure(message, { code: "InvalidMetric" });
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
function requestsOf(pods: readonly Pod[], of: ResourceTarget): ReadonlyMap<string, number> {
  const requests = new Map<string, number>();
  for (const pod of pods) {
    let sum = 0;
    for (const container of consideredContainers(pod, of.container)) {
      const request = container.resources?.requests?.[of.name];
      const quantity = request === undefined ? undefined : parseQuantity(request);
      if (quantity?.ok !== true) {
        const message = `missing request for ${of.name} in container ${container.name} of Pod ${pod.metadata.name}`;
        throw new Failure(message, { code: "MissingRequest" });
      }
      sum += quantity.value;
    }
    requests.set(pod.metadata.name ?? "", sum);
  }
  return requests;
}

function consideredContainers(pod: Pod, container: string | undefined): readonly Container[] {
  const sidecars = (pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  return [...pod.spec.containers, ...sidecars].filter(({ name }) => container === undefined || name === container);
}

function formatUsage(resource: string, usage: number): string {
  return resource === "cpu" ? formatCores(usage) : formatBytes(Math.floor(usage));
}

function currentOf({ name, container }: ResourceTarget, current: Record<string, unknown>): Record<string, unknown> {
  if (container === undefined) return { type: "Resource", resource: { name, current } };
  return { type: "ContainerResource", containerResource: { name, container, current } };
}

import { type HorizontalPodAutoscaler, type MetricSpec, type Pod, resources, type Scale } from "#api";
import { messageOf } from "#base";
import { ApiFailure, type KubeClient } from "#kube";
import { toleranceOf } from "#scaling";
import { combineProposals, type MetricAnswer, type MetricOutcome } from "./combine-proposals.ts";
import { externalMetric } from "./external-metric.ts";
import type { MetricReader } from "./metric-reader.ts";
import type { MetricContext, MetricSource } from "./metric-source.ts";
import { objectMetric } from "./object-metric.ts";
import { podsMetric } from "./pods-metric.ts";
import { containerResourceMetric, resourceMetric } from "./resource-metric.ts";

const SOURCES: readonly MetricSource[] = [
  resourceMetric,
  containerResourceMetric,
  podsMetric,
  objectMetric,
  externalMetric,
];

/** Source: autoscaling/v2 default of `metrics`. */
const DEFAULT_METRICS: readonly MetricSpec[] = [
  { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } } },
];

export interface MeasurePorts {
  readonly client: KubeClient;
  readonly reader: MetricReader;
  /** Notes the pods as this autoscaler's; returns the keys of others that have one of them too. */
  readonly claim: (podUids: ReadonlySet<string>) => readonly string[];
}

export interface MeasureInput {
  readonly hpa: HorizontalPodAutoscaler;
  readonly scale: Scale;
  /** The autoscaler's own. */
  readonly key: string;
  readonly nowMs: number;
}

/**
 * Reads all metrics of an autoscaler and says what they ask for together, or why they cannot be read: there is no usable
 * selector, or its pods are another autoscaler's too.
 */
export async function measureMetrics(ports: MeasurePorts, input: MeasureInput): Promise<MetricOutcome> {
  const { hpa, scale, key, nowMs } = input;
  const namespace = hpa.metadata.namespace ?? "";
  const selector = scale.status?.selector ?? "";
  if (selector === "") {
    const message = "the HPA target's scale is missing a selector";
    const error = "selector is required";
    return notMeasured({ reason: "InvalidSelector", message, eventReason: "SelectorRequired", error });
  }
  const pods = await listPods(ports.client, namespace, selector);
  if (typeof pods === "string") return notMeasured({ reason: "InvalidSelector", message: pods });
  const rivals = ports.claim(new Set(pods.map((pod) => pod.metadata.uid ?? "")));
  if (rivals.length > 0) {
    const all = [key, ...rivals].sort().join(" ");
    const message = `pods by selector ${selector} are controlled by multiple HPAs: [${all}]`;
    return notMeasured({ reason: "AmbiguousSelector", message });
  }
  const replicas = scale.spec.replicas ?? 0;
  const statusReplicas = scale.status?.replicas ?? 0;
  const tolerance = toleranceOf(hpa.spec);
  const context = { reader: ports.reader, namespace, selector, pods, replicas, statusReplicas, tolerance, nowMs };
  const specs = (hpa.spec.metrics ?? []).length === 0 ? DEFAULT_METRICS : (hpa.spec.metrics ?? []);
  return combineProposals(await Promise.all(specs.map((spec) => propose(spec, context))), replicas);
}

/** The pods under a selector, or why it is none. */
async function listPods(
  client: KubeClient,
  namespace: string,
  labelSelector: string,
): Promise<readonly Pod[] | string> {
  try {
    return (await client.list<Pod>(resources.pods, { namespace, labelSelector })).items;
  } catch (thrown) {
    if (!(thrown instanceof ApiFailure) || thrown.httpStatus !== 400) throw thrown;
    return `couldn't convert selector into a corresponding internal selector object: ${thrown.message}`;
  }
}

/** The outcome of a look that could not even ask for metrics. */
function notMeasured(of: {
  readonly reason: string;
  readonly message: string;
  readonly eventReason?: string;
  readonly error?: string;
}): MetricOutcome {
  const { reason, message, eventReason = reason, error = message } = of;
  const event = { type: "Warning", reason: eventReason, message: error } as const;
  return { ok: false, reason, message, error, events: [event], current: [] };
}

async function propose(spec: MetricSpec, context: MetricContext): Promise<MetricAnswer> {
  const source = SOURCES.find((one) => one.type === spec.type);
  if (source === undefined) {
    const message = `unknown metric source type "${spec.type}"`;
    return { ok: false, reason: "InvalidMetricSourceType", message, failure: "failed to compute metric value" };
  }
  try {
    return { ok: true, proposal: await source.propose(spec, context) };
  } catch (thrown) {
    const { failureReason: reason } = source;
    return { ok: false, reason, message: messageOf(thrown), failure: source.failureOf(spec) };
  }
}

import {
  type CrossVersionObjectReference,
  type HorizontalPodAutoscaler,
  type MetricSpec,
  type Pod,
  resources,
  type Scale,
} from "#api";
import { deepEqual, Failure, messageOf } from "#base";
import { ApiFailure, type EventRecorder, type ReconcileOutcome } from "#kube";
import {
  type Controller,
  type ControllerPorts,
  discoverResources,
  findKind,
  keyOf,
  parseKey,
  recordAbout,
  runController,
  type ServedResource,
} from "../shared/index.ts";
import { createApiMetricReader } from "./api-metric-reader.ts";
import { combineProposals, type MetricAnswer, type MetricOutcome } from "./combine-proposals.ts";
import { externalMetric } from "./external-metric.ts";
import type { MetricContext, MetricSource } from "./metric-source.ts";
import { objectMetric } from "./object-metric.ts";
import { type AutoscalePlan, needsMetrics, planAutoscale, planHpaStatus, setHpaCondition } from "./plan-autoscale.ts";
import { podsMetric } from "./pods-metric.ts";
import { containerResourceMetric, resourceMetric } from "./resource-metric.ts";
import { initialMemory, rememberScale, type ScaleMemory } from "./scale-memory.ts";
import { toleranceOf } from "./tolerance.ts";

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
const DISCOVERY_TTL_MS = 30_000;

/** What is kept of one autoscaler between looks. */
interface Memory {
  readonly scale: ScaleMemory;
  /** Pods under its target's selector at the last look. */
  readonly podUids: ReadonlySet<string>;
}

interface Look {
  readonly hpa: HorizontalPodAutoscaler;
  readonly key: string;
  readonly events: EventRecorder;
  readonly target: ServedResource;
  readonly scale: Scale;
  readonly memory: Memory;
}

/**
 * Executes HorizontalPodAutoscalers: each is looked at once an interval, and at once when its spec changes. (Upstream lets a
 * changed spec wait for the interval, which nobody wants.)
 */
export function startHorizontalAutoscaler(ports: ControllerPorts & { readonly intervalMs: number }): Controller {
  const { client, clock, informers, intervalMs } = ports;
  const autoscalers = informers.of<HorizontalPodAutoscaler>(resources.horizontalPodAutoscalers);
  const memories = new Map<string, Memory>();
  const reader = createApiMetricReader({ client, resourceOf });
  let served: { readonly list: readonly ServedResource[]; readonly atMs: number } | undefined;
  const controller = runController(ports, {
    name: "horizontal-pod-autoscaler",
    reconcile: reconcileKey,
    concurrency: 5,
  });

  autoscalers.onChange(({ type, object, old }) => {
    if (type === "deleted") memories.delete(keyOf(object));
    else if (!deepEqual(object.spec, old?.spec)) controller.queue.add(keyOf(object));
  });

  async function reconcileKey(key: string, { events }: { events: EventRecorder }): Promise<ReconcileOutcome | void> {
    const hpa = autoscalers.get(parseKey(key));
    if (hpa === undefined) return;
    try {
      await look(hpa, key, events);
    } catch (thrown) {
      // The next look is the retry; a shorter one would turn the interval into the back-off's.
      ports.log.debug("autoscaler could not finish its look", { key, error: messageOf(thrown) });
    }
    return { requeueAfterMs: intervalMs };
  }

  async function look(hpa: HorizontalPodAutoscaler, key: string, events: EventRecorder): Promise<void> {
    const found = await readTarget(hpa).catch((thrown: unknown) => messageOf(thrown));
    if (typeof found === "string") {
      recordAbout(events, hpa, { type: "Warning", reason: "FailedGetScale", message: found });
      return writeCondition(hpa, {
        status: "False",
        reason: "FailedGetScale",
        message: `the HPA controller was unable to get the target's current scale: ${found}`,
      });
    }
    const current = found.scale.spec.replicas ?? 0;
    const memory = memories.get(key) ?? { scale: initialMemory(current, clock.nowMs()), podUids: new Set() };
    memories.set(key, memory);
    await scaleTarget({ hpa, key, events, memory, ...found });
  }

  async function scaleTarget(look: Look): Promise<void> {
    const { hpa, key, events, scale } = look;
    const current = scale.spec.replicas ?? 0;
    const found = {
      type: "AbleToScale",
      status: "True",
      reason: "SucceededGetScale",
      message: "the HPA controller was able to get the target's current scale",
    } as const;
    const conditions = setHpaCondition(hpa.status?.conditions ?? [], found, clock.nowMs());
    const metrics = needsMetrics(hpa, current) ? await measure(look, current) : undefined;
    const nowMs = clock.nowMs();
    const plan = planAutoscale({ hpa, current, metrics, conditions, memory: look.memory.scale, nowMs });
    for (const event of plan.events) recordAbout(events, hpa, event);
    const podUids = memories.get(key)?.podUids ?? new Set();
    if (plan.desired === current) {
      memories.set(key, { scale: plan.memory, podUids });
      return writeStatus(hpa, plan, { current, scaledAtMs: undefined });
    }
    const scaled = await rescale(look, plan);
    // Without behavior there are no policies that would ask for what changed.
    const isCounted = scaled.ok && hpa.spec.behavior !== undefined;
    const change = { from: current, to: plan.desired };
    memories.set(key, { scale: isCounted ? rememberScale(plan.memory, change, nowMs) : plan.memory, podUids });
    const reported = scaled.ok ? plan.desired : (hpa.status?.desiredReplicas ?? 0);
    const after = { ...plan, reported, conditions: setHpaCondition(plan.conditions, scaled.condition, nowMs) };
    await writeStatus(hpa, after, { current, scaledAtMs: scaled.ok ? nowMs : undefined });
  }

  async function rescale(look: Look, plan: AutoscalePlan) {
    const { hpa, events, scale, target } = look;
    const size = `New size: ${plan.desired}; reason: ${plan.rescaleReason}`;
    try {
      const next: Scale = { ...scale, spec: { ...scale.spec, replicas: plan.desired } };
      await client.update<Scale>(target, next, { subresource: "scale" });
    } catch (thrown) {
      const error = messageOf(thrown);
      recordAbout(events, hpa, { type: "Warning", reason: "FailedRescale", message: `${size}; error: ${error}` });
      const message = `the HPA controller was unable to update the target scale: ${error}`;
      return {
        ok: false,
        condition: { type: "AbleToScale", status: "False", reason: "FailedUpdateScale", message },
      } as const;
    }
    recordAbout(events, hpa, { type: "Normal", reason: "SuccessfulRescale", message: size });
    const message = `the HPA controller was able to update the target scale to ${plan.desired}`;
    return {
      ok: true,
      condition: { type: "AbleToScale", status: "True", reason: "SucceededRescale", message },
    } as const;
  }

  async function measure(look: Look, replicas: number): Promise<MetricOutcome> {
    const { hpa, scale } = look;
    const namespace = hpa.metadata.namespace ?? "";
    const selector = scale.status?.selector ?? "";
    if (selector === "") {
      const message = "the HPA target's scale is missing a selector";
      return notMeasured({ reason: "InvalidSelector", message, eventReason: "SelectorRequired", error: NO_SELECTOR });
    }
    const pods = await listPods(namespace, selector);
    if (typeof pods === "string") return notMeasured({ reason: "InvalidSelector", message: pods });
    const podUids = new Set(pods.map((pod) => pod.metadata.uid ?? ""));
    memories.set(look.key, { ...look.memory, podUids });
    const rivals = rivalsOf(look.key, podUids);
    if (rivals.length > 0) {
      const all = [look.key, ...rivals].sort().join(" ");
      const message = `pods by selector ${selector} are controlled by multiple HPAs: [${all}]`;
      return notMeasured({ reason: "AmbiguousSelector", message });
    }
    const context = {
      reader,
      namespace,
      selector,
      pods,
      replicas,
      statusReplicas: scale.status?.replicas ?? 0,
      tolerance: toleranceOf(hpa.spec),
      nowMs: clock.nowMs(),
    };
    const specs = (hpa.spec.metrics ?? []).length === 0 ? DEFAULT_METRICS : (hpa.spec.metrics ?? []);
    return combineProposals(await Promise.all(specs.map((spec) => propose(spec, context))), replicas);
  }

  /** The pods under a selector, or why it is none. */
  async function listPods(namespace: string, labelSelector: string): Promise<readonly Pod[] | string> {
    try {
      return (await client.list<Pod>(resources.pods, { namespace, labelSelector })).items;
    } catch (thrown) {
      if (!(thrown instanceof ApiFailure) || thrown.httpStatus !== 400) throw thrown;
      return `couldn't convert selector into a corresponding internal selector object: ${thrown.message}`;
    }
  }

  /** Other autoscalers of the namespace that saw one of these pods. */
  function rivalsOf(key: string, podUids: ReadonlySet<string>): readonly string[] {
    const namespace = `${parseKey(key).namespace}/`;
    return [...memories]
      .filter(([other, memory]) => other !== key && other.startsWith(namespace) && intersects(memory.podUids, podUids))
      .map(([other]) => other);
  }

  /** The resource of a kind. @throws Failure `NoMatch` */
  async function resourceOf(reference: CrossVersionObjectReference): Promise<ServedResource> {
    const { apiVersion = "v1", kind } = reference;
    if (served === undefined || served.atMs + DISCOVERY_TTL_MS < clock.nowMs()) {
      served = { list: await discoverResources(client), atMs: clock.nowMs() };
    }
    const found = findKind(served.list, { apiVersion, kind });
    if (found !== undefined) return found;
    throw new Failure(`no matches for kind "${kind}" in version "${apiVersion}"`, { code: "NoMatch" });
  }

  async function readTarget(hpa: HorizontalPodAutoscaler): Promise<{ target: ServedResource; scale: Scale }> {
    const { name } = hpa.spec.scaleTargetRef;
    const target = await resourceOf(hpa.spec.scaleTargetRef);
    const key = { namespace: hpa.metadata.namespace ?? "", name };
    const scale = await client.get<Scale>(target, key, { subresource: "scale" });
    if (scale !== undefined) return { target, scale };
    const group = target.group === "" ? "" : `.${target.group}`;
    throw new Failure(`${target.plural}${group} "${name}" not found`, { code: "NotFound" });
  }

  async function writeCondition(
    hpa: HorizontalPodAutoscaler,
    condition: { status: "True" | "False"; reason: string; message: string },
  ): Promise<void> {
    const before = hpa.status?.conditions ?? [];
    const conditions = setHpaCondition(before, { type: "AbleToScale", ...condition }, clock.nowMs());
    const { currentReplicas = 0, desiredReplicas = 0, currentMetrics = [] } = hpa.status ?? {};
    await writeStatus(
      hpa,
      { conditions, currentMetrics, reported: desiredReplicas },
      { current: currentReplicas, scaledAtMs: undefined },
    );
  }

  async function writeStatus(
    hpa: HorizontalPodAutoscaler,
    plan: Pick<AutoscalePlan, "conditions" | "currentMetrics" | "reported">,
    of: { readonly current: number; readonly scaledAtMs: number | undefined },
  ): Promise<void> {
    const status = planHpaStatus(hpa, plan, of);
    if (deepEqual(status, hpa.status)) return;
    await client.update<HorizontalPodAutoscaler>(
      resources.horizontalPodAutoscalers,
      { ...hpa, status },
      { subresource: "status" },
    );
  }

  return controller;
}

const NO_SELECTOR = "selector is required";

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

function intersects(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  for (const one of a) if (b.has(one)) return true;
  return false;
}

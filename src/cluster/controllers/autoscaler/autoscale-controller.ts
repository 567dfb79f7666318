import { type CrossVersionObjectReference, type HorizontalPodAutoscaler, resources, type Scale } from "#api";
import { deepEqual, Failure, messageOf } from "#base";
import type { EventRecorder, ReconcileOutcome } from "#kube";
import { initialMemory, rememberScale, type ScaleMemory } from "#scaling";
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
import type { MetricOutcome } from "./combine-proposals.ts";
import { measureMetrics } from "./measure-metrics.ts";
import { type AutoscalePlan, needsMetrics, planAutoscale, planHpaStatus, setHpaCondition } from "./plan-autoscale.ts";

const DISCOVERY_TTL_MS = 30_000;

/** What is kept of one autoscaler between looks; a namesake begins anew. */
interface Memory {
  readonly uid: string | undefined;
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
      const level = thrown instanceof Failure ? "debug" : "error";
      ports.log[level]("autoscaler could not finish its look", { key, error: messageOf(thrown) });
    }
    // Deleted during its look, it would keep its pods from every other for ever.
    if (autoscalers.get(parseKey(key))?.metadata.uid !== hpa.metadata.uid) memories.delete(key);
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
    const { uid } = hpa.metadata;
    const kept = memories.get(key);
    const fresh = { uid, scale: initialMemory(current, clock.nowMs()), podUids: new Set<string>() };
    const memory = kept !== undefined && kept.uid === uid ? kept : fresh;
    memories.set(key, memory);
    await scaleTarget({ hpa, key, events, memory, ...found });
  }

  async function scaleTarget(look: Look): Promise<void> {
    const { hpa, key, events, scale } = look;
    const { uid } = hpa.metadata;
    const current = scale.spec.replicas ?? 0;
    const found = {
      type: "AbleToScale",
      status: "True",
      reason: "SucceededGetScale",
      message: "the HPA controller was able to get the target's current scale",
    } as const;
    const conditions = setHpaCondition(hpa.status?.conditions ?? [], found, clock.nowMs());
    const metrics = needsMetrics(hpa, current) ? await measure(look) : undefined;
    const nowMs = clock.nowMs();
    const plan = planAutoscale({ hpa, current, metrics, conditions, memory: look.memory.scale, nowMs });
    for (const event of plan.events) recordAbout(events, hpa, event);
    const podUids = memories.get(key)?.podUids ?? new Set();
    if (plan.desired === current) {
      memories.set(key, { uid, scale: plan.memory, podUids });
      return writeStatus(hpa, plan, { current, scaledAtMs: undefined });
    }
    const scaled = await rescale(look, plan);
    // Without behavior there are no policies that would ask for what changed.
    const isCounted = scaled.ok && hpa.spec.behavior !== undefined;
    const change = { from: current, to: plan.desired };
    memories.set(key, { uid, scale: isCounted ? rememberScale(plan.memory, change, nowMs) : plan.memory, podUids });
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

  async function measure({ hpa, scale, key, memory }: Look): Promise<MetricOutcome> {
    const claim = (podUids: ReadonlySet<string>): readonly string[] => {
      memories.set(key, { ...memory, podUids });
      return rivalsOf(key, podUids);
    };
    return measureMetrics({ client, reader, claim }, { hpa, scale, key, nowMs: clock.nowMs() });
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
    const { currentReplicas = 0, desiredReplicas = 0 } = hpa.status ?? {};
    // The status of a new object has null here.
    const currentMetrics = hpa.status?.currentMetrics ?? [];
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

function intersects(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  for (const one of a) if (b.has(one)) return true;
  return false;
}

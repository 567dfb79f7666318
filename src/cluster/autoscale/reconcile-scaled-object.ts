import { type MetricSpec, resources, type ScaledObject, type ScaledObjectStatus } from "#api";
import { Failure, messageOf, type Result } from "#base";
import { ApiFailure, type KubeClient, type ReconcileOutcome } from "#kube";
import { type EventText, objectKey, recordAbout } from "../controllers/index.ts";
import { createTriggerSlots, type TriggerPorts } from "./build-triggers.ts";
import { deleteHpa, ensureHpa } from "./ensure-hpa.ts";
import { checkFailed, conditionOf, initConditions, pausedCondition, setConditions } from "./plan/conditions.ts";
import { type Formula, formulaOf } from "./plan/evaluation.ts";
import { keepHealth } from "./plan/fallback.ts";
import { formulaNames } from "./plan/formula-names.ts";
import { hpaNameOf, NAME_LABEL, type NamedMetric, type TriggerMetrics } from "./plan/generate-hpa.ts";
import { COMPOSITE_METRIC } from "./plan/metric-value.ts";
import { type Pause, readPause } from "./plan/pause.ts";
import { pollingIntervalMs } from "./plan/periods.ts";
import { checkBounds, checkTriggers } from "./plan/replica-bounds.ts";
import type { ReadPorts } from "./read-triggers.ts";
import type { ScaledObjectEntry } from "./scaled-object-entry.ts";
import type { ScaleTarget } from "./scale-target.ts";
import { identityOf } from "./session.ts";
import type { TriggerSlot } from "./trigger-slot.ts";

const FINALIZER = "finalizer.keda.sh";
/** Of a condition; texts of other servers may be in it. */
const MAX_MESSAGE_LENGTH = 2048;

/** Parses a formula over triggers' names. */
export type CompileFormula = (text: string, names: readonly string[]) => Result<Formula, string>;

export interface ReconcilePorts extends ReadPorts {
  readonly client: KubeClient;
  readonly triggers: TriggerPorts;
  readonly compileFormula: CompileFormula;
  /** Has this ScaledObject reconciled once more, as its server has announced other metrics. */
  readonly reconcileAgain: () => void;
}

/**
 * Brings a ScaledObject's autoscaler and polls to what it says, in KEDA's order: leave, mark, pause, target, bounds, triggers,
 * autoscaler, polls. Source: keda-hpa-spec 4.
 *
 * @throws Failure, to be tried again; what is wrong is in the conditions then.
 */
export async function reconcileScaledObject(
  entry: ScaledObjectEntry,
  object: ScaledObject,
  ports: ReconcilePorts,
): Promise<ReconcileOutcome | void> {
  if (object.metadata.deletionTimestamp !== undefined) return leave(entry, object, ports);
  const marked = await mark(object, ports.client);
  const { status } = entry;
  status.update((of) => ({ ...of, conditions: initConditions(of.conditions) }));
  try {
    const pause = readPause(marked.metadata.annotations);
    notePause(entry, marked, { pause, ports });
    const outcome = pause.isPaused
      ? await stayPaused(entry, marked, { pause, ports })
      : await run(entry, marked, ports);
    return outcome;
  } catch (thrown) {
    const message = messageOf(thrown).slice(0, MAX_MESSAGE_LENGTH);
    if (!isRace(thrown)) noteFailure(entry, marked, { message, ports });
    throw thrown;
  } finally {
    await status.save();
  }
}

/** The copy was old: the next attempt works with a newer one, and nothing is wrong with the ScaledObject. */
function isRace(thrown: unknown): boolean {
  return thrown instanceof ApiFailure && (thrown.code === "Conflict" || thrown.code === "AlreadyExists");
}

/** Puts finalizer and label on it; returns the object with them. */
async function mark(object: ScaledObject, client: KubeClient): Promise<ScaledObject> {
  const { finalizers = [], labels = {}, resourceVersion } = object.metadata;
  const { name } = identityOf(object);
  if (finalizers.includes(FINALIZER) && labels[NAME_LABEL] === name) return object;
  const next = [...new Set([...finalizers, FINALIZER])];
  const metadata = { resourceVersion, finalizers: next, labels: { [NAME_LABEL]: name } };
  return client.patch<ScaledObject>(resources.scaledObjects, objectKey(object), { kind: "merge", body: { metadata } });
}

/** Ends everything, restores the target's size when it is asked for, and lets the object go. Source: keda-hpa-spec 12. */
async function leave(entry: ScaledObjectEntry, object: ScaledObject, ports: ReconcilePorts): Promise<void> {
  await entry.close();
  const { finalizers = [], resourceVersion } = object.metadata;
  if (!finalizers.includes(FINALIZER)) return;
  const { originalReplicaCount } = entry.status.status;
  if (object.spec.advanced?.restoreToOriginalReplicaCount === true && originalReplicaCount !== undefined) {
    await restore(object, originalReplicaCount, ports);
  }
  const left = finalizers.filter((one) => one !== FINALIZER);
  const metadata = { resourceVersion, finalizers: left.length === 0 ? null : left };
  const event = { type: "Warning", reason: "ScaledObjectDeleted", message: "ScaledObject was deleted" } as const;
  await ports.client.patch(resources.scaledObjects, objectKey(object), { kind: "merge", body: { metadata } });
  recordAbout(ports.events, object, event);
}

/** A target that is gone or cannot be scaled must not keep the ScaledObject. */
async function restore(object: ScaledObject, replicas: number, { targets, log }: ReconcilePorts): Promise<void> {
  try {
    const current = await targets.current(object);
    if (current !== replicas) await targets.write(object, { from: current, to: replicas });
  } catch (thrown) {
    const fields = { ...identityOf(object), replicas, error: messageOf(thrown) };
    log.warn("the size that a target had before its ScaledObject could not be restored", fields);
  }
}

interface PauseContext {
  readonly pause: Pause;
  readonly ports: ReconcilePorts;
}

function notePause(entry: ScaledObjectEntry, object: ScaledObject, { pause, ports }: PauseContext): void {
  const isPaused = pause.isPaused || pause.isScaleInPaused || pause.isScaleOutPaused;
  const wasPaused = conditionOf(entry.status.status.conditions, "Paused")?.status === "True";
  ports.metrics.paused(identityOf(object), isPaused);
  if (isPaused || wasPaused) {
    entry.status.update((of) => ({
      ...(pause.replicas === undefined ? without(of, "pausedReplicaCount") : of),
      conditions: setConditions(of.conditions, [pausedCondition(isPaused)]),
    }));
  }
  if (isPaused === wasPaused) return;
  recordAbout(ports.events, object, {
    type: "Normal",
    reason: isPaused ? "ScaledObjectPaused" : "ScaledObjectUnpaused",
    message: isPaused ? "ScaledObject is paused" : "ScaledObject is no longer paused",
  });
}

/** Ends polls and autoscaler, and sets the size that it is paused at, once. Source: keda-hpa-spec 8. */
async function stayPaused(
  entry: ScaledObjectEntry,
  object: ScaledObject,
  { pause, ports }: PauseContext,
): Promise<void> {
  await entry.status.save();
  if (await entry.close()) {
    const message = "the triggers are no longer read";
    recordAbout(ports.events, object, { type: "Normal", reason: "KEDAScalersStopped", message });
  }
  for (const name of new Set([entry.status.status.hpaName ?? hpaNameOf(object), hpaNameOf(object)])) {
    await deleteHpa(ports.client, object, name);
  }
  entry.status.update((of) => without(of, "hpaName"));
  if (pause.replicas !== undefined) await resizePaused(entry, object, { replicas: pause.replicas, ports });
  noteReady(entry, object, ports);
}

async function resizePaused(
  entry: ScaledObjectEntry,
  object: ScaledObject,
  { replicas, ports }: { readonly replicas: NonNullable<Pause["replicas"]>; readonly ports: ReconcilePorts },
): Promise<void> {
  if (!replicas.ok) throw new Failure(replicas.error, { code: "InvalidScaledObject" });
  const target = await ports.targets.find(object);
  if (target.replicas !== replicas.value) {
    await ports.targets.write(object, { from: target.replicas, to: replicas.value });
  }
  entry.status.update((of) => ({ ...of, ...targetStatus(target), pausedReplicaCount: replicas.value }));
}

async function run(
  entry: ScaledObjectEntry,
  object: ScaledObject,
  ports: ReconcilePorts,
): Promise<ReconcileOutcome | void> {
  const { status } = entry;
  const target = await ports.targets.find(object);
  status.update((of) => ({ originalReplicaCount: target.replicas, ...of, ...targetStatus(target) }));
  const wrong = checkBounds(object.spec) ?? checkTriggers(object.spec);
  if (wrong !== undefined) throw new Failure(wrong, { code: "InvalidScaledObject" });
  const formula = compile(object, ports.compileFormula);
  status.update((of) => ({ ...of, ...triggerStatus(object) }));
  const running = entry.session;
  const isSame = running !== undefined && running.object.metadata.generation === object.metadata.generation;
  const calls = { onActive: () => entry.push(), onMetrics: ports.reconcileAgain };
  const slots = isSame
    ? running.slots
    : createTriggerSlots(ports.triggers, { scaledObject: object, podTemplate: target.podTemplate, ...calls });
  try {
    const { metrics, isIncomplete } = await gatherMetrics(slots);
    const previousName = status.status.hpaName;
    const isCreated = await ensureHpa(ports.client, { object, metrics, previousName, size: target.replicas });
    status.update((of) => noteMetrics(of, object, metrics));
    if (!isSame || isCreated) {
      await entry.start({ object, slots, formula, status, records: new Map() });
      tellStart(object, ports);
    }
    noteReady(entry, object, ports);
    // The autoscaler lacks a metric that its server did not tell; it may by then.
    return isIncomplete ? { requeueAfterMs: pollingIntervalMs(object.spec) } : undefined;
  } finally {
    if (entry.session?.slots !== slots) await Promise.all(slots.map((slot) => slot.close()));
  }
}

function compile({ spec }: ScaledObject, compileFormula: CompileFormula): Formula | undefined {
  const modifiers = formulaOf(spec);
  if (modifiers === undefined) return undefined;
  const { target = "", activationTarget = "" } = spec.advanced?.scalingModifiers ?? {};
  if (!(modifiers.target > 0)) {
    const message = `scalingModifiers.target must be a number greater than 0, received "${target}"`;
    throw new Failure(message, { code: "InvalidScaledObject" });
  }
  // Nothing is above what is no number, so the target would go to nothing whatever the formula says.
  if (Number.isNaN(modifiers.activationTarget)) {
    const message = `scalingModifiers.activationTarget must be a number, received "${activationTarget}"`;
    throw new Failure(message, { code: "InvalidScaledObject" });
  }
  const compiled = compileFormula(modifiers.text, formulaNames(spec));
  if (compiled.ok) return compiled.value;
  throw new Failure(compiled.error, { code: "InvalidScaledObject" });
}

/**
 * Builds all triggers and asks for their metrics. One that cannot be built fails all, one that cannot be asked keeps the metrics
 * that it had, or is left out until it can.
 */
async function gatherMetrics(
  slots: readonly TriggerSlot[],
): Promise<{ readonly metrics: TriggerMetrics; readonly isIncomplete: boolean }> {
  const resourceMetrics = await Promise.all(slots.map((slot) => slot.ensure()));
  const externals = await Promise.all(
    slots.filter(({ isResource }) => !isResource).map((slot) => slot.metrics().catch(() => undefined)),
  );
  const known = slots.filter(({ isResource }) => !isResource).flatMap((slot) => slot.known);
  const resource = resourceMetrics.filter((metric) => metric !== undefined);
  if (resource.length + known.length === 0) {
    throw new Failure("no trigger has a metric for the autoscaler", { code: "NoMetrics", retryable: true });
  }
  const twice = duplicateOf(known);
  if (twice !== undefined) {
    const message = `metricName "${twice}" defined multiple times in ScaledObject, it must be unique`;
    throw new Failure(message, { code: "InvalidScaledObject" });
  }
  return { metrics: { resource, external: known }, isIncomplete: externals.includes(undefined) };
}

function duplicateOf(metrics: readonly NamedMetric[]): string | undefined {
  const seen = new Set<string>();
  for (const { name } of metrics) {
    if (seen.has(name.toLowerCase())) return name;
    seen.add(name.toLowerCase());
  }
  return undefined;
}

function targetStatus({ resource }: ScaleTarget): ScaledObjectStatus {
  const { group, version, kind, plural } = resource;
  return {
    scaleTargetKind: `${group === "" ? version : `${group}/${version}`}.${kind}`,
    scaleTargetGVKR: { group, version, kind, resource: plural },
  };
}

function triggerStatus({ spec }: ScaledObject): ScaledObjectStatus {
  const types = spec.triggers.map(({ type }) => type);
  const authentications = spec.triggers.flatMap(({ authenticationRef }) => authenticationRef?.name ?? []);
  return { triggersTypes: uniqueText(types), authenticationsTypes: uniqueText(authentications) };
}

function uniqueText(words: readonly string[]): string {
  return [...new Set(words)].sort().join(",");
}

function noteMetrics(of: ScaledObjectStatus, object: ScaledObject, metrics: TriggerMetrics): ScaledObjectStatus {
  const externalMetricNames = metrics.external.map(({ name }) => name);
  const active = Object.entries(of.triggersActivity ?? {}).filter(([name]) => externalMetricNames.includes(name));
  return {
    ...without(without(of, "compositeScalerName"), "triggersActivity"),
    externalMetricNames,
    resourceMetricNames: [...new Set(metrics.resource.map(resourceNameOf))],
    ...(formulaOf(object.spec) === undefined ? {} : { compositeScalerName: COMPOSITE_METRIC }),
    health: keepHealth(of.health ?? {}, externalMetricNames),
    ...(active.length === 0 ? {} : { triggersActivity: Object.fromEntries(active) }),
    hpaName: hpaNameOf(object),
  };
}

function without(of: ScaledObjectStatus, field: keyof ScaledObjectStatus): ScaledObjectStatus {
  return Object.fromEntries(Object.entries(of).filter(([key]) => key !== field));
}

function resourceNameOf({ resource, containerResource }: MetricSpec): string {
  return resource?.name ?? containerResource?.name ?? "";
}

function tellStart(object: ScaledObject, { events, metrics }: ReconcilePorts): void {
  const types = object.spec.triggers.map(({ type }) => type);
  metrics.registered(identityOf(object), types);
  const message = `the triggers are read: ${types.join(", ")}`;
  recordAbout(events, object, { type: "Normal", reason: "KEDAScalersStarted", message });
}

const readyEvent: EventText = {
  type: "Normal",
  reason: "ScaledObjectReady",
  message: "ScaledObject is ready for scaling",
};

function noteReady(entry: ScaledObjectEntry, object: ScaledObject, { events }: ReconcilePorts): void {
  const before = conditionOf(entry.status.status.conditions, "Ready");
  if (before?.status === "True") return;
  // Triggers that cannot be read are told by the polls, which also take it back; there are none while it is paused.
  const isOfPolls = before?.reason === "TriggerError" || before?.reason === "PartialTriggerError";
  if (isOfPolls && entry.session !== undefined) return;
  const { message } = readyEvent;
  const ready = { type: "Ready", status: "True", reason: "ScaledObjectReady", message } as const;
  entry.status.update((of) => ({ ...of, conditions: setConditions(of.conditions, [ready]) }));
  recordAbout(events, object, readyEvent);
}

function noteFailure(
  entry: ScaledObjectEntry,
  object: ScaledObject,
  { message, ports }: { readonly message: string; readonly ports: ReconcilePorts },
): void {
  ports.metrics.objectFailed(identityOf(object));
  entry.status.update((of) => ({ ...of, conditions: setConditions(of.conditions, checkFailed(message)) }));
  recordAbout(ports.events, object, { type: "Warning", reason: "ScaledObjectCheckFailed", message });
}

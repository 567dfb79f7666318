import { type Clock, err, Failure, type Log, messageOf, ok, type Result } from "#base";
import type { EventRecorder } from "#kube";
import { recordAbout } from "../controllers/index.ts";
import type { KedaMetrics } from "./keda-metrics.ts";
import { conditionOf, fallbackCondition, setConditions } from "./plan/conditions.ts";
import {
  type Activity,
  activityOf,
  type Composite,
  composeReadings,
  type MetricReading,
  planFailedReading,
} from "./plan/evaluation.ts";
import { isFallbackActive, isInFallback, noteReading } from "./plan/fallback.ts";
import type { NamedMetric } from "./plan/generate-hpa.ts";
import { COMPOSITE_METRIC, publishable, triggerIndexOf } from "./plan/metric-value.ts";
import type { ScaleTargets } from "./scale-target.ts";
import { externalSlots, identityOf, type Session } from "./session.ts";
import type { TriggerSlot } from "./trigger-slot.ts";

export interface ReadPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly events: EventRecorder;
  readonly targets: ScaleTargets;
  readonly metrics: KedaMetrics;
}

/** One metric as it was read. */
export interface MeasuredMetric {
  readonly metric: NamedMetric;
  readonly reading: MetricReading;
}

/** One trigger as it was read. */
export interface MeasuredTrigger {
  readonly slot: TriggerSlot;
  readonly metrics: readonly MeasuredMetric[];
  /** Why its metrics are not even known. */
  readonly error: string | undefined;
}

export interface Evaluation {
  readonly triggers: readonly MeasuredTrigger[];
  readonly activity: Activity;
}

/** Triggers of one ScaledObject that are read at once. */
const MAX_PARALLEL_COUNT = 32;

/** Values of one metric that are answered one by one. */
const MAX_VALUE_COUNT = 100;

/** Reads all triggers with values of their own, for a poll, and keeps what was read. */
export async function evaluateTriggers(session: Session, ports: ReadPorts): Promise<Evaluation> {
  const triggers = await inParallel(externalSlots(session), (slot) => measureTrigger({ session, slot, ports }));
  const metrics = triggers.flatMap((trigger) => trigger.metrics);
  session.records.clear();
  for (const { metric, reading } of metrics) session.records.set(metric.name, reading);
  const names = metrics.map(({ metric }) => metric.name);
  ports.metrics.keep(identityOf(session.object), names);
  const composite = session.formula === undefined ? undefined : compose(session, triggers);
  const hasFailed = triggers.some(({ error }) => error !== undefined);
  const readings = metrics.map(({ reading }) => reading);
  for (const trigger of triggers) tellFailures(session, trigger, ports);
  if (composite?.ok === false) {
    recordAbout(ports.events, session.object, {
      type: "Warning",
      reason: "KEDAMetricSourceFailed",
      message: composite.error,
    });
  }
  return { triggers, activity: activityOf(readings, composite, hasFailed) };
}

/**
 * Reads one metric for the autoscaler, by its name in whatever case.
 *
 * @throws Failure that says why there is no value.
 */
export async function queryMetric(session: Session, name: string, ports: ReadPorts): Promise<readonly number[]> {
  const wanted = name.toLowerCase();
  if (session.formula !== undefined && wanted === COMPOSITE_METRIC) {
    const slots = externalSlots(session);
    const triggers = await inParallel(slots, (slot) => measureTrigger({ session, slot, ports }, { mayBeCached: true }));
    const composite = compose(session, triggers);
    if (!composite.ok) throw noValue(composite.error);
    return [publishable(composite.value.value)];
  }
  const index = triggerIndexOf(wanted);
  const slot = externalSlots(session).find((one) => one.index === index);
  if (slot === undefined) throw noValue(`no matching metrics found for ${name}`);
  const trigger = await measureTrigger({ session, slot, ports }, { mayBeCached: true, only: wanted });
  const found = trigger.metrics.find(({ metric }) => metric.name.toLowerCase() === wanted);
  if (found === undefined) throw noValue(trigger.error ?? `no matching metrics found for ${name}`);
  const values = valuesOf(found.reading).map(publishable);
  // The autoscaler adds them up anyway; a server must not make an answer without end.
  return values.length <= MAX_VALUE_COUNT ? values : [publishable(sumOf(values))];
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function valuesOf(reading: MetricReading): readonly number[] {
  if (reading.kind === "value") return reading.values;
  if (reading.kind === "fallback") return [reading.value];
  throw noValue(reading.error);
}

function noValue(message: string): Failure {
  return new Failure(message, { code: "NoMetrics", retryable: true });
}

/** One trigger of one ScaledObject. */
interface Place {
  readonly session: Session;
  readonly slot: TriggerSlot;
  readonly ports: ReadPorts;
}

interface MeasureOptions {
  /** Whether what the last poll read will do, where the trigger says so. */
  readonly mayBeCached?: boolean;
  /** The only metric to read, in lower case. */
  readonly only?: string;
}

/**
 * Reads a trigger. When it cannot even say its metrics, those that it had before count as failed, so that their fallback takes
 * over. (KEDA has no fallback then, nor when a trigger cannot be built: keda#5525, keda#8056.)
 */
async function measureTrigger(place: Place, options: MeasureOptions = {}): Promise<MeasuredTrigger> {
  const { session, slot, ports } = place;
  const { mayBeCached = false, only } = options;
  const asked = await metricsOf(slot);
  assertCarriedOut(session);
  const known = asked.ok ? asked.value : slot.known;
  const wanted = known.filter(({ name }) => only === undefined || name.toLowerCase() === only);
  const metrics = await Promise.all(
    wanted.map(async (metric) => {
      const isCached = mayBeCached && slot.source.useCachedMetrics === true;
      const record = isCached ? session.records.get(metric.name) : undefined;
      if (record !== undefined) return { metric, reading: record };
      return { metric, reading: asked.ok ? await measure(place, metric) : await failed(place, metric, asked.error) };
    }),
  );
  noteFallback(session, ports);
  return { slot, metrics, error: asked.ok || known.length > 0 ? undefined : asked.error };
}

async function metricsOf(slot: TriggerSlot): Promise<Result<readonly NamedMetric[], string>> {
  try {
    return ok(await slot.metrics());
  } catch (thrown) {
    return err(messageOf(thrown));
  }
}

async function measure(place: Place, metric: NamedMetric): Promise<MetricReading> {
  const { session, slot, ports } = place;
  const startMs = ports.clock.nowMs();
  try {
    const { values, isActive } = await slot.read(metric.spec);
    ports.metrics.read(identityOf(session.object), {
      metric: metric.name,
      ...labelsOf(slot),
      value: sumOf(values),
      latencySeconds: (ports.clock.nowMs() - startMs) / 1000,
      isActive,
    });
    note(session, metric.name, true);
    return { kind: "value", values, isActive };
  } catch (thrown) {
    return await failed(place, metric, messageOf(thrown));
  }
}

/** What stands for a metric that failed. */
async function failed({ session, ports }: Place, metric: NamedMetric, error: string): Promise<MetricReading> {
  assertCarriedOut(session);
  note(session, metric.name, false);
  const { spec } = session.object;
  const health = session.status.status.health ?? {};
  try {
    // The sizes cost a request, and only a fallback is made from them.
    const isNeeded = isInFallback(spec, health, metric.name);
    const size = isNeeded ? await ports.targets.size(session.object) : { current: 0, readyPodCount: 0 };
    return planFailedReading({ spec, health, metricName: metric.name, target: metric.spec, size, error });
  } catch (thrown) {
    return { kind: "error", error: `${error}; and its fallback cannot be computed: ${messageOf(thrown)}` };
  }
}

/** Closing the triggers makes readings fail; that is no failure to be counted. @throws Failure `Aborted` */
function assertCarriedOut({ signal }: Session): void {
  if (signal.aborted) throw new Failure("the ScaledObject is no longer carried out as it was", { code: "Aborted" });
}

function note(session: Session, metricName: string, isRead: boolean): void {
  session.status.update((status) => ({ ...status, health: noteReading(status.health ?? {}, metricName, isRead) }));
}

function compose(session: Session, triggers: readonly MeasuredTrigger[]): Result<Composite, string> {
  const lost = triggers.find(({ error }) => error !== undefined);
  if (lost?.error !== undefined) return err(lost.error);
  if (session.formula === undefined) return err("the ScaledObject has no formula");
  const readings = triggers.flatMap(({ slot, metrics }) =>
    metrics.map(({ reading }) => ({ triggerName: slot.source.name ?? "", reading })),
  );
  return composeReadings(session.object.spec, session.formula, readings);
}

/** Tells of the failures of a poll; those between polls are in the answers to the autoscaler. */
function tellFailures({ object }: Session, trigger: MeasuredTrigger, { events, metrics }: ReadPorts): void {
  const tell = (message: string): void =>
    recordAbout(events, object, { type: "Warning", reason: "KEDAScalerFailed", message });
  if (trigger.error !== undefined) tell(trigger.error);
  for (const { metric, reading } of trigger.metrics) {
    if (reading.kind === "value") continue;
    tell(reading.error);
    metrics.failed(identityOf(object), { metric: metric.name, ...labelsOf(trigger.slot) });
  }
}

function labelsOf(slot: TriggerSlot) {
  const { type, name = "" } = slot.source;
  return { scaler: name === "" ? type : name, triggerIndex: slot.index };
}

/** Says when the first of the metrics goes to its fallback, and when the last comes back. */
function noteFallback({ object, status }: Session, { events }: ReadPorts): void {
  const isActive = isFallbackActive(object.spec, status.status.health ?? {});
  const before = conditionOf(status.status.conditions, "Fallback");
  const condition = fallbackCondition(isActive);
  if (before?.status === condition.status) return;
  status.update((of) => ({ ...of, conditions: setConditions(of.conditions, [condition]) }));
  if (!isActive && before?.status !== "True") return;
  recordAbout(events, object, {
    type: isActive ? "Warning" : "Normal",
    reason: isActive ? "ScaledObjectFallbackActivated" : "ScaledObjectFallbackDeactivated",
    message: isActive ? "a trigger failed too often, its fallback is used" : "all triggers can be read again",
  });
}

/** Runs over all with so many at once at most; results are in the order of the inputs. */
async function inParallel<In, Out>(inputs: readonly In[], run: (input: In) => Promise<Out>): Promise<readonly Out[]> {
  const results: Out[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let index = next++; index < inputs.length; index = next++) {
      const input = inputs[index];
      if (input !== undefined) results[index] = await run(input);
    }
  };
  await Promise.all(Array.from({ length: Math.min(MAX_PARALLEL_COUNT, inputs.length) }, work));
  return results;
}

import type { HorizontalPodAutoscaler, ScaledObject } from "#api";
import { messageOf } from "#base";
import type { KubeClient } from "#kube";
import { formatTime, recordAbout } from "../controllers/index.ts";
import { keepBounds } from "./ensure-hpa.ts";
import { afterEvaluation, hpaActiveCondition, pausedCondition, setConditions } from "./plan/conditions.ts";
import { decideScale, type ScaleDecision } from "./plan/decide-scale.ts";
import { isActiveReading } from "./plan/evaluation.ts";
import { readPause } from "./plan/pause.ts";
import { hasCooledDown } from "./plan/periods.ts";
import { replicaBounds } from "./plan/replica-bounds.ts";
import { evaluateTriggers, type Evaluation, type ReadPorts } from "./read-triggers.ts";
import { identityOf, type Session } from "./session.ts";

export interface CheckPorts extends ReadPorts {
  /** The ScaledObject as it is written now, whose annotations count; undefined when it is gone. */
  readonly live: (object: ScaledObject) => ScaledObject | undefined;
  readonly client: KubeClient;
  readonly hpaOf: (object: ScaledObject) => HorizontalPodAutoscaler | undefined;
}

const nothingRead: Evaluation = { triggers: [], activity: { isActive: false, hasError: false } };
const pushed: Evaluation = { triggers: [], activity: { isActive: true, hasError: false } };

/** One evaluation of a ScaledObject: reads its triggers, decides, writes the size and says how it is. */
export async function checkScale(session: Session, ports: CheckPorts): Promise<void> {
  const annotations = ports.live(session.object)?.metadata.annotations;
  // What is paused is not read, too.
  const evaluation = readPause(annotations).isPaused ? nothingRead : await evaluateTriggers(session, ports);
  await carryOut(session, evaluation, ports);
}

/** A trigger's server says that there is work: it starts at once, without asking the others. */
export async function activate(session: Session, ports: CheckPorts): Promise<void> {
  await carryOut(session, pushed, ports);
}

async function carryOut(session: Session, evaluation: Evaluation, ports: CheckPorts): Promise<void> {
  const { object, status } = session;
  const { targets, clock, log } = ports;
  const live = ports.live(object);
  // It went while it was read; so did the right to scale.
  if (live === undefined || live.metadata.deletionTimestamp !== undefined) return;
  const pause = readPause(live.metadata.annotations);
  const current = await targets.current(object).catch((thrown: unknown) => {
    log.debug("the size of a target could not be read", { ...identityOf(object), error: messageOf(thrown) });
    return undefined;
  });
  if (session.signal.aborted) return;
  const decision = decideScale({
    current,
    bounds: replicaBounds(object.spec),
    isPaused: pause.isPaused,
    isScaleInPaused: pause.isScaleInPaused,
    isScaleOutPaused: pause.isScaleOutPaused,
    isActive: evaluation.activity.isActive || pause.isForcedActive,
    hasError: evaluation.activity.hasError,
    hasFallback: object.spec.fallback !== undefined,
    isCooledDown: hasCooledDown(object, status.status.lastActiveTime, clock.nowMs()),
  });
  if (current !== undefined) {
    await scale(session, { decision, current }, ports);
    if ((object.spec.idleReplicaCount ?? 0) > 0) await boundHpa(session, decision.replicas ?? current, ports);
  }
  note(session, { decision, evaluation }, ports);
  await status.save();
}

async function scale(
  { object, status }: Session,
  { decision, current }: { readonly decision: ScaleDecision; readonly current: number },
  { targets, events, log }: CheckPorts,
): Promise<void> {
  const { replicas, transition } = decision;
  if (replicas === undefined) return;
  const { namespace, name } = identityOf(object);
  const target = `${status.status.scaleTargetKind ?? ""} ${namespace}/${object.spec.scaleTargetRef.name}`;
  const change = `${target} from ${current} to ${replicas}`;
  const verb = transition === "deactivate" ? "Deactivat" : "Activat";
  try {
    const isWritten = await targets.write(object, { from: current, to: replicas });
    if (!isWritten || transition === undefined) return;
    log.info("a ScaledObject scaled its target", { namespace, name, from: current, to: replicas });
    recordAbout(events, object, {
      type: "Normal",
      reason: `KEDAScaleTarget${verb}ed`,
      message: `Scaled ${change}`,
    });
  } catch (thrown) {
    const message = `Cannot scale ${change}: ${messageOf(thrown)}`;
    recordAbout(events, object, { type: "Warning", reason: `KEDAScaleTarget${verb}ionFailed`, message });
  }
}

/**
 * The size is written before the bounds: a reconcile that the bounds wake goes by the size. Each poll looks, so what crossed
 * with another write is put right by the next.
 */
async function boundHpa({ object }: Session, size: number, { client, hpaOf, log }: CheckPorts): Promise<void> {
  const hpa = hpaOf(object);
  if (hpa === undefined) return;
  try {
    await keepBounds(client, { object, hpa, size });
  } catch (thrown) {
    log.debug("the bounds of an autoscaler could not be written", { ...identityOf(object), error: messageOf(thrown) });
  }
}

function note(
  { object, status }: Session,
  { decision, evaluation }: { readonly decision: ScaleDecision; readonly evaluation: Evaluation },
  { clock, hpaOf, metrics }: CheckPorts,
): void {
  if (decision.row === "paused") {
    status.update((of) => ({ ...of, conditions: setConditions(of.conditions, [pausedCondition(true)]) }));
    return;
  }
  if (decision.row === "target-unreadable") metrics.objectFailed(identityOf(object));
  const hpaActive = hpaActiveCondition(hpaOf(object));
  // A push says that there is work, and nothing about whether the triggers can be read.
  const said = decision.conditions.filter(({ type }) => evaluation !== pushed || type !== "Ready");
  const updates = [...said, ...(hpaActive === undefined ? [] : [hpaActive])];
  const readings = evaluation.triggers.flatMap((trigger) => trigger.metrics);
  const activity = readings.map(
    ({ metric, reading }) => [metric.name, { isActive: isActiveReading(reading) }] as const,
  );
  status.update((of) => ({
    ...of,
    conditions: afterEvaluation(of.conditions, updates),
    ...(decision.isWorkSeen ? { lastActiveTime: formatTime(clock.nowMs()) } : {}),
    ...(activity.length === 0 ? {} : { triggersActivity: Object.fromEntries(activity) }),
  }));
}

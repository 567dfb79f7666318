import type { Canary, CanaryWebhook } from "#api";
import { unreachable } from "#base";
import { referenceTo } from "#kube";
import { type Command, type EventType, namesOf } from "#rollout";
import type { Announcements } from "./announcements.ts";
import type { FloorMemory } from "./capacity/index.ts";
import { callWebhook } from "./gates/index.ts";
import type { OperatorContext } from "./operator-context.ts";
import { payloadFor, type Snapshot } from "./reconcilers/index.ts";
import { strategyLabel } from "./strategy-label.ts";
import {
  addFinalizer,
  clearIntent,
  ensurePrimary,
  ensureScaler,
  ensureService,
  removeFinalizer,
  restoreApex,
  restoreRoutes,
  scaleTarget,
  setFloor,
  settleScaler,
  setRoutes,
} from "./performers/index.ts";
import { alertOf } from "./alert-of.ts";

export interface PerformOptions {
  readonly snapshot: Snapshot;
  readonly announcements: Announcements;
  readonly floors: FloorMemory;
  /** Phase that the decision leads to; receivers of events are told it. */
  readonly phase: string;
}

/**
 * Carries out commands, in order; the only place that writes to the cluster beside the status.
 *
 * Each compares with what is there first, so that repeating it writes nothing. The first that fails ends the sequence
 * with a rejection; the queue then tries the whole reconcile again.
 */
export async function perform(
  commands: readonly Command[],
  options: PerformOptions,
  context: OperatorContext,
): Promise<void> {
  for (const command of commands) await performOne(command, options, context);
}

async function performOne(command: Command, options: PerformOptions, context: OperatorContext): Promise<void> {
  const { snapshot } = options;
  switch (command.kind) {
    case "ensure-services":
      await ensureService("canary", snapshot, context);
      return ensureService("primary", snapshot, context);
    case "ensure-apex":
      return ensureService("apex", snapshot, context);
    case "ensure-primary":
      return ensurePrimary(command.mode, snapshot, context);
    case "ensure-scaler":
      return ensureScaler(snapshot, context);
    case "set-routes":
      return setRoutes(command, snapshot, context);
    case "restore-apex":
      return restoreApex(snapshot, context);
    case "restore-routes":
      return restoreRoutes(snapshot, context);
    case "add-finalizer":
      return addFinalizer(snapshot, context);
    case "remove-finalizer":
      await settleScaler(snapshot, context);
      return removeFinalizer(snapshot, context);
    case "clear-intent":
      return clearIntent(snapshot, context);
    case "scale-target":
      return scaleTarget(command.replicaCount, snapshot, context);
    case "set-floor":
      return setFloor(command, options, context);
    case "event":
      return tell(command, options, context);
    case "alert":
      return alert(command, options, context);
    case "call-hooks":
      return callHooks(command, options, context);
    case "count-run": {
      const { target: name, namespace } = snapshot.names;
      const strategy = strategyLabel(snapshot.canary);
      return context.metrics.finished({ name, namespace }, { ...command, strategy });
    }
    default:
      return unreachable(command);
  }
}

function tell(
  event: { readonly type: EventType; readonly message: string; readonly isStanding: boolean },
  { snapshot, announcements, phase }: PerformOptions,
  context: OperatorContext,
): void {
  if (event.isStanding && !announcements.isNews(snapshot.canary, event.message)) return;
  announce(snapshot.canary, { ...event, phase }, context);
}

/** Records an event, sends it to receivers, and logs it. */
export function announce(
  canary: Canary,
  { type, message, phase }: { readonly type: EventType; readonly message: string; readonly phase: string },
  context: OperatorContext,
): void {
  const { namespace, canaryRef } = namesOf(canary);
  context.events.record({ object: { ...referenceTo(canary), namespace }, type, reason: "Synced", message });
  context.relay.send(canary, { type, message, payload: payloadFor(canary, phase, undefined) });
  context.log.info(message, { canary: canaryRef, type });
}

/** Hands an alert to whoever sends it; one about a lasting condition once. */
function alert(command: Extract<Command, { kind: "alert" }>, options: PerformOptions, context: OperatorContext): void {
  const { canary } = options.snapshot;
  if (command.isStanding && !options.announcements.isNews(canary, `alert ${command.message}`)) return;
  context.alerts.send(alertOf(command, canary));
}

/** Calls hooks whose answer decides nothing any more; the first that fails ends the list. Source: flagger-spec 6.1. */
async function callHooks(
  command: { readonly hooks: readonly CanaryWebhook[]; readonly phase: string },
  options: PerformOptions,
  context: OperatorContext,
): Promise<void> {
  const canary: Canary = options.snapshot.canary;
  for (const hook of command.hooks) {
    const { isPassed, detail } = await callWebhook(hook, payloadFor(canary, command.phase, hook.metadata), context);
    const message = isPassed
      ? `Post-rollout check ${hook.name} passed`
      : `Post-rollout hook ${hook.name} failed ${detail}`;
    tell({ type: isPassed ? "Normal" : "Warning", message, isStanding: false }, options, context);
    if (!isPassed) return;
  }
}

import type { Canary, CanaryWebhook } from "#api";
import { assert, unreachable } from "#base";
import { referenceTo } from "#kube";
import type { Command, EventType } from "#rollout";
import type { Announcements } from "./announcements.ts";
import { callWebhook } from "./gates/index.ts";
import type { OperatorContext } from "./operator-context.ts";
import { payloadFor, type Snapshot } from "./reconcilers/index.ts";
import { newService, planDestinationRule, planVirtualService, repairedService } from "./routers/index.ts";
import { newPrimaryScaler, syncedPrimaryScaler } from "./scalers/index.ts";
import { newPrimary, planConfigCopy, primaryConfigName, promotedPrimary } from "./workloads/index.ts";

export interface PerformOptions {
  readonly snapshot: Snapshot;
  readonly announcements: Announcements;
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
      return ensureScaler(command.mode, snapshot, context);
    case "set-routes":
      return setRoutes(command.canaryWeight, snapshot, context);
    case "scale-target":
      return scaleTarget(command.replicaCount, snapshot, context);
    case "event":
      return tell(command, options, context);
    case "alert":
      return alert(command, options, context);
    case "call-hooks":
      return callHooks(command, options, context);
    case "count-run": {
      const { target: name, namespace } = snapshot.names;
      return context.metrics.finished({ name, namespace }, command);
    }
    case "add-finalizer":
    case "remove-finalizer":
    case "restore-apex":
    case "restore-routes":
    case "clear-intent":
      return assert(false, `the command ${command.kind} is not carried out yet`);
    default:
      return unreachable(command);
  }
}

async function ensureService(
  role: "apex" | "primary" | "canary",
  snapshot: Snapshot,
  { views }: OperatorContext,
): Promise<void> {
  const { canary, names, target, selector, owner } = snapshot;
  // Without a target nothing says which ports and pods the Services lead to; what is there stays.
  if (target === undefined || selector === undefined) return;
  const name = { apex: names.apexService, primary: names.primaryService, canary: names.canaryService }[role];
  const podLabel = role === "canary" ? selector.value : selector.primaryValue;
  const plan = { canary, target, name, role, labelKey: selector.key, podLabel, owner };
  const live = snapshot.services[role];
  if (live === undefined) {
    await views.services.create(newService(plan));
    return;
  }
  const repaired = repairedService(live, plan);
  if (repaired !== undefined) await views.services.update(repaired);
}

async function ensurePrimary(mode: "create" | "sync", snapshot: Snapshot, context: OperatorContext): Promise<void> {
  const { primary, primaryPlan } = snapshot;
  if (primaryPlan === undefined || (mode === "create" && primary !== undefined)) return;
  // The configs first: pods that start without them would crash.
  await copyConfigs(snapshot, context);
  if (primary === undefined) {
    await context.views.deployments.create(newPrimary(primaryPlan));
    return;
  }
  const promoted = promotedPrimary(primary, primaryPlan);
  if (promoted !== undefined) await context.views.deployments.update(promoted);
}

async function copyConfigs({ configs, names, owner }: Snapshot, { views, settings }: OperatorContext): Promise<void> {
  const options = { owner, labelPrefixes: settings.labelPrefixes };
  const keyOf = (name: string | undefined) => ({
    namespace: names.namespace,
    name: primaryConfigName(name ?? ""),
  });
  for (const original of configs?.configMaps ?? []) {
    const live = views.configMaps.get(keyOf(original.metadata.name));
    const copy = planConfigCopy(original, live, options);
    if (copy !== undefined) await (live === undefined ? views.configMaps.create(copy) : views.configMaps.update(copy));
  }
  for (const original of configs?.secrets ?? []) {
    const live = views.secrets.get(keyOf(original.metadata.name));
    const copy = planConfigCopy(original, live, options);
    if (copy !== undefined) await (live === undefined ? views.secrets.create(copy) : views.secrets.update(copy));
  }
}

async function ensureScaler(mode: "create" | "sync", snapshot: Snapshot, { views }: OperatorContext): Promise<void> {
  const { canary, scaler, primaryScaler, names, owner } = snapshot;
  if (scaler === undefined) return;
  const plan = { canary, source: scaler, primary: names.primary, owner };
  if (primaryScaler === undefined) {
    await views.autoscalers.create(newPrimaryScaler(plan));
    return;
  }
  const synced = mode === "sync" ? syncedPrimaryScaler(primaryScaler, plan) : undefined;
  if (synced !== undefined) await views.autoscalers.update(synced);
}

async function setRoutes(canaryWeight: number, snapshot: Snapshot, { views }: OperatorContext): Promise<void> {
  assert(canaryWeight >= 0 && canaryWeight <= 100, "a canary's weight is from 0 to 100");
  const { canary, names, owner, virtualService, destinationRules } = snapshot;
  const plan = { canary, names, owner };
  // Policies first: a route to a host without its policy would send traffic with the wrong TLS mode.
  const rules = [
    planDestinationRule(plan, names.primaryService, destinationRules.primary),
    planDestinationRule(plan, names.canaryService, destinationRules.canary),
  ];
  for (const rule of rules) if (rule !== undefined) await views.destinationRules.apply(rule);
  const weights = { primaryWeight: 100 - canaryWeight, canaryWeight };
  const routes = planVirtualService(plan, weights, virtualService);
  if (routes !== undefined) await views.virtualServices.apply(routes);
}

async function scaleTarget(replicas: number, { target, names }: Snapshot, { views }: OperatorContext): Promise<void> {
  if (target === undefined || target.spec.replicas === replicas) return;
  await views.deployments.merge({ namespace: names.namespace, name: names.target }, { spec: { replicas } });
}

/** Records an event, sends it to receivers, and logs it. */
function tell(
  event: { readonly type: EventType; readonly message: string; readonly isStanding: boolean },
  options: PerformOptions,
  context: OperatorContext,
): void {
  const { canary, names } = options.snapshot;
  if (event.isStanding && !options.announcements.isNews(canary, event.message)) return;
  const { type, message } = event;
  context.events.record({
    object: { ...referenceTo(canary), namespace: names.namespace },
    type,
    reason: "Synced",
    message,
  });
  context.relay.send(canary, { type, message, payload: payloadFor(canary, options.phase, undefined) });
  context.log.info(message, { canary: names.canaryRef, type });
}

/** Alerts go to the log; a Canary that names providers is told so, since it would wait for messages that never come. */
function alert(command: Extract<Command, { kind: "alert" }>, options: PerformOptions, context: OperatorContext): void {
  const { canary, names } = options.snapshot;
  if (command.isStanding && !options.announcements.isNews(canary, `alert ${command.message}`)) return;
  context.log.warn("alert", { canary: names.canaryRef, severity: command.severity, text: command.message });
  if ((canary.spec.analysis.alerts?.length ?? 0) === 0) return;
  const message = "spec.analysis.alerts: alerts are written to the operator's log only, not sent to providers";
  tell({ type: "Warning", message, isStanding: true }, options, context);
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

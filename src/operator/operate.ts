import { setMaxListeners } from "node:events";
import type { Canary } from "#api";
import type { Clock, Log, Random } from "#base";
import { createEventRecorder, type EventRecorder, type KubeClient, referenceTo, sleep } from "#kube";
import { namesOf } from "#rollout";
import { createAlertRelay, type GlobalAlertSettings } from "./alerts/index.ts";
import { alertLookups } from "./alert-of.ts";
import { runCanaryController } from "./canary-controller.ts";
import { createEventRelay, createOutboundHttp } from "./gates/index.ts";
import { createQueryBatcher } from "./metrics/index.ts";
import { createRunStore } from "./records/index.ts";
import type { OperatorContext, OperatorSettings } from "./operator-context.ts";
import { waitForKinds } from "./required-kinds.ts";
import { type RolloutMetrics, silentTracer, tracedClient, tracedHttp, type Tracer } from "./telemetry/index.ts";
import { createViews } from "./views/index.ts";

/** How long reconciles in work may go on after the end was asked for. */
const STOP_LIMIT_MS = 10_000;
/** How long what was recorded may take to be sent after that. */
const FLUSH_LIMIT_MS = 10_000;

/** What the operator is to work on, and how. */
export interface OperateSettings extends OperatorSettings {
  /** Empty for all. */
  readonly namespace: string;
  readonly eventWebhook: string;
  readonly workerCount: number;
  /** Shown in alerts; empty for none. */
  readonly clusterName: string;
  /** Where alerts of Canaries go that name no provider. */
  readonly globalAlerts: GlobalAlertSettings;
}

/** Work that ends when its signal aborts. */
export type Work = (signal: AbortSignal) => Promise<void>;

export interface OperatePorts {
  readonly client: KubeClient;
  readonly metrics: RolloutMetrics;
  readonly tracer?: Tracer;
  /** Names the proxy, if there is one. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Called once when everything is read, before anything is written. */
  readonly onReady?: () => void;
  /** Calls the work when this process may write; at once when absent. */
  readonly lead?: (work: Work) => Promise<void>;
}

/**
 * Opens everything that a reconcile works with, works until the signal aborts, and closes it. The client stays open.
 *
 * Reading does not wait for leading: who takes over knows the cluster already.
 */
export async function operate(settings: OperateSettings, ports: OperatePorts): Promise<void> {
  const stop = new AbortController();
  const signal = AbortSignal.any([ports.signal, stop.signal]);
  // Each watch and each request in flight listens to it; the bound is the kinds and the workers, not a leak.
  setMaxListeners(256, signal);
  const tracer = ports.tracer ?? silentTracer;
  const http = tracedHttp(createOutboundHttp(ports.env), tracer);
  const client = tracedClient(ports.client, tracer);
  try {
    await waitForKinds({ ...ports, signal });
    if (signal.aborted) return;
    const scope = settings.namespace === "" ? {} : { namespace: settings.namespace };
    const onEvent = ports.metrics.operator.informerDid;
    const views = createViews({ ...ports, ...scope, client, signal, onEvent });
    await views.synced;
    ports.onReady?.();
    const lead = ports.lead ?? ((work: Work) => work(signal));
    const open = { views, http, tracer };
    await lead((reign) => work(settings, { ...ports, client, signal: AbortSignal.any([signal, reign]) }, open));
  } catch (thrown) {
    // What is cut short by the end is no failure.
    if (!signal.aborted) throw thrown;
  } finally {
    stop.abort();
    await http.close();
  }
}

/** Reconciles until the signal aborts; then lets end what was begun and sends what was recorded, both for a bounded time. */
async function work(
  settings: OperateSettings,
  ports: OperatePorts,
  open: Pick<OperatorContext, "views" | "http" | "tracer">,
): Promise<void> {
  const { client, clock, log, signal } = ports;
  setMaxListeners(256, signal);
  const events = createEventRecorder({ client, component: "flagger", clock, log });
  const relay = createEventRelay({ globalUrl: settings.eventWebhook, http: open.http, clock, log });
  const alerts = createAlertRelay({
    ...ports,
    ...open,
    clusterName: settings.clusterName,
    global: settings.globalAlerts,
    lookups: alertLookups({ views: open.views, settings }),
  });
  const batcher = createQueryBatcher(clock);
  const runs = createRunStore({
    configMaps: open.views.configMaps,
    clock,
    log,
    tell: (canary, message) => tellOf(canary, message, { events, log }),
    onRefused: ports.metrics.operator.recordsRefused,
  });
  const context: OperatorContext = { ...ports, ...open, batcher, settings, events, relay, alerts, runs, signal };
  // Ends the waits below when they are not needed any more.
  const over = new AbortController();
  try {
    const running = runCanaryController(context, { workerCount: settings.workerCount, random: ports.random });
    const ended = running.then(() => "ended" as const);
    const overdue = afterAbort(signal).then(() => sleep(clock, STOP_LIMIT_MS, over.signal));
    const first = await Promise.race([ended, overdue]);
    if (first !== "ended") log.warn("reconciles in work did not end in time");
  } finally {
    const flushed = Promise.all([relay.flush(), alerts.flush(), runs.close().then(() => events.flush())]);
    await Promise.race([flushed, sleep(clock, FLUSH_LIMIT_MS, over.signal)]);
    over.abort();
  }
}

/** Says once of a Canary what stands beside its releases and changes nothing in them. */
function tellOf(canary: Canary, message: string, { events, log }: { events: EventRecorder; log: Log }): void {
  const { namespace, canaryRef } = namesOf(canary);
  events.record({ object: { ...referenceTo(canary), namespace }, type: "Warning", reason: "Synced", message });
  log.warn(message, { canary: canaryRef });
}

function afterAbort(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

import { setMaxListeners } from "node:events";
import type { Clock, Log, Random } from "#base";
import { createEventRecorder, type KubeClient } from "#kube";
import { type AlertRelay, createAlertRelay, type GlobalAlertSettings } from "./alerts/index.ts";
import { alertLookups } from "./alert-of.ts";
import { runCanaryController } from "./canary-controller.ts";
import { createEventRelay, createOutboundHttp } from "./gates/index.ts";
import { createQueryBatcher } from "./metrics/index.ts";
import type { OperatorContext, OperatorSettings } from "./operator-context.ts";
import { waitForKinds } from "./required-kinds.ts";
import type { RolloutMetrics } from "./telemetry/index.ts";
import { createViews } from "./views/index.ts";

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

export interface OperatePorts {
  readonly client: KubeClient;
  readonly metrics: RolloutMetrics;
  /** Names the proxy, if there is one. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Told once everything that is read is in, before the first Canary is worked on. */
  readonly onReady?: () => void;
}

/** Opens everything that a reconcile works with, works until the signal aborts, and closes it. The client stays open. */
export async function operate(settings: OperateSettings, ports: OperatePorts): Promise<void> {
  const { client, clock, log } = ports;
  const stop = new AbortController();
  const signal = AbortSignal.any([ports.signal, stop.signal]);
  // Each watch and each request in flight listens to it; the bound is the kinds and the workers, not a leak.
  setMaxListeners(256, signal);
  const http = createOutboundHttp(ports.env);
  const events = createEventRecorder({ client, component: "flagger", clock, log });
  const relay = createEventRelay({ globalUrl: settings.eventWebhook, http, clock, log });
  let alerts: AlertRelay | undefined;
  try {
    await waitForKinds({ ...ports, signal });
    if (signal.aborted) return;
    const scope = settings.namespace === "" ? {} : { namespace: settings.namespace };
    const views = createViews({ ...ports, ...scope, signal });
    await views.synced;
    alerts = createAlertRelay({
      ...ports,
      signal,
      http,
      clusterName: settings.clusterName,
      global: settings.globalAlerts,
      lookups: alertLookups({ views, settings }),
    });
    const batcher = createQueryBatcher(clock);
    const context: OperatorContext = { ...ports, batcher, settings, views, http, events, relay, alerts, signal };
    ports.onReady?.();
    await runCanaryController(context, { workerCount: settings.workerCount, random: ports.random });
  } catch (thrown) {
    // What is cut short by the end is no failure.
    if (!signal.aborted) throw thrown;
  } finally {
    stop.abort();
    await relay.flush();
    await alerts?.flush();
    await events.flush();
    await http.close();
  }
}

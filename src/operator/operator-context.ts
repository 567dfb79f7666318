import type { Clock, Log } from "#base";
import type { EventRecorder } from "#kube";
import type { AlertRelay } from "./alerts/index.ts";
import type { EventRelay, OutboundHttp } from "./gates/index.ts";
import type { QueryBatcher } from "./metrics/index.ts";
import type { RunStore } from "./records/index.ts";
import type { RouterSettings } from "./routers/index.ts";
import type { RolloutMetrics, Tracer } from "./telemetry/index.ts";
import type { Views } from "./views/index.ts";
import type { WorkloadSettings } from "./workloads/index.ts";

/** What the flags say about releases. */
export interface OperatorSettings extends WorkloadSettings, RouterSettings {
  readonly metricsServer: string;
  readonly minIntervalMs: number;
  /** Provider of Canaries that name none. */
  readonly meshProvider: string;
  /** Canaries may name templates and providers of their own namespace only. */
  readonly forbidsForeignNamespaces: boolean;
}

/** All that a reconcile works with. */
export interface OperatorContext {
  readonly settings: OperatorSettings;
  readonly views: Views;
  readonly http: OutboundHttp;
  readonly events: EventRecorder;
  readonly relay: EventRelay;
  readonly alerts: AlertRelay;
  readonly metrics: RolloutMetrics;
  readonly batcher: QueryBatcher;
  readonly runs: RunStore;
  /** The process's environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly tracer: Tracer;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

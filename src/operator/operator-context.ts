import type { Clock, Log } from "#base";
import type { EventRecorder } from "#kube";
import type { EventRelay, OutboundHttp } from "./gates/index.ts";
import type { RolloutMetrics, Tracer } from "./telemetry/index.ts";
import type { Views } from "./views/index.ts";

/** What the flags say about releases. */
export interface OperatorSettings {
  readonly metricsServer: string;
  readonly selectorLabels: readonly string[];
  readonly labelPrefixes: readonly string[];
  readonly tracksConfigs: boolean;
  readonly minIntervalMs: number;
}

/** All that a reconcile works with. */
export interface OperatorContext {
  readonly settings: OperatorSettings;
  readonly views: Views;
  readonly http: OutboundHttp;
  readonly events: EventRecorder;
  readonly relay: EventRelay;
  readonly metrics: RolloutMetrics;
  readonly tracer: Tracer;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

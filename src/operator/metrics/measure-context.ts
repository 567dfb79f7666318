import type { MetricTemplate, Secret } from "#api";
import type { Clock } from "#base";
import type { ObjectKey } from "#kube";
import type { OutboundHttp } from "../gates/index.ts";
import type { QueryBatcher } from "./query-batcher.ts";

/** What measuring needs from around it. */
export interface MeasureContext {
  /** `-metrics-server`. */
  readonly metricsServer: string;
  /** `-mesh-provider`; Istio's metrics are asked for when it is absent. */
  readonly meshProvider?: string;
  readonly http: OutboundHttp;
  /** One for the life of the operator; without one every Canary asks by itself. */
  readonly batcher?: QueryBatcher;
  readonly clock: Clock;
  /** The process's environment. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  template(key: ObjectKey): MetricTemplate | undefined;
  secret(key: ObjectKey): Secret | undefined;
  /** Name of the latest revision of a Canary's Knative Service, which is what its route means there. */
  knativeRevision?(key: ObjectKey): string | undefined;
}

import type { Dispatcher } from "undici";
import type { ConfigMap, MetricSpec, Pod, Secret } from "#api";
import type { Clock, Log } from "#base";
import type { TriggerConfig } from "./parameters/trigger-config.ts";

/**
 * The contract of a trigger: one file or one folder for each, listed in `index.ts`.
 *
 * A ScaledObject builds all of its triggers, reads them at each poll and whenever its autoscaler asks, and closes them
 * when it changes, errs or goes. Source: keda-hpa-spec 4, 6, 15.
 */
export interface TriggerKind {
  /** Values of `triggers[].type` that name it. */
  readonly types: readonly string[];
  /** Whether it may be read at the poll only (`useCachedMetrics`); cpu, memory and cron may not. */
  readonly canCache: boolean;
  /**
   * Reads the configuration and connects. One trigger that fails here fails its whole ScaledObject.
   *
   * @throws Failure saying what of the metadata is wrong, or what could not be reached.
   */
  build(options: TriggerOptions, world: TriggerWorld): Promise<Trigger>;
}

/** One entry of `spec.triggers` with everything that it refers to. */
export interface TriggerOptions {
  readonly type: string;
  /** 0-based position in `spec.triggers`. */
  readonly index: number;
  readonly scaledObject: { readonly namespace: string; readonly name: string };
  /** `triggers[].metricType` as written. */
  readonly metricType: string | undefined;
  /** Reads metadata, environment of the target's container, and authentication, in a parameter's own order. */
  readonly config: TriggerConfig;
  /** Whether the ScaledObject has a formula, which makes thresholds of its triggers optional. */
  readonly isFormulaInput: boolean;
  /** `podIdentity.provider` of the authentication. */
  readonly podIdentity: string | undefined;
}

/** What triggers need of the world around them. */
export interface TriggerWorld {
  readonly clock: Clock;
  readonly log: Log;
  /** For HTTP; it resolves names of the cluster's Services. */
  readonly http: Dispatcher;
  /** Ends what a trigger started beside its reads. */
  readonly signal: AbortSignal;
  /** Longest that one call may take unless the trigger says otherwise. Source: KEDA_HTTP_DEFAULT_TIMEOUT, 3 s. */
  readonly timeoutMs: number;
  /**
   * The address behind a host name as a pod of the namespace would resolve it: `redis`, `redis.shop`,
   * `redis.shop.svc.cluster.local` give the Service's address; anything else comes back as it is.
   */
  resolve(host: string, namespace: string): string;
  /** Objects of the cluster, from local copies. */
  pods(namespace: string): readonly Pod[];
  configMap(namespace: string, name: string): ConfigMap | undefined;
  secret(namespace: string, name: string): Secret | undefined;
  /** `ADDRESS:PORT` of the ready endpoints of a Service, for each port that they have. */
  endpoints(namespace: string, service: string): readonly string[];
}

export type Trigger = ResourceTrigger | ExternalTrigger;

/** Becomes a metric that the autoscaler reads itself: cpu, memory. */
export interface ResourceTrigger {
  readonly kind: "resource";
  readonly metric: MetricSpec;
  close(): Promise<void>;
}

/** Has values of its own, which the autoscaler gets through `external.metrics.k8s.io`. */
export interface ExternalTrigger {
  readonly kind: "external";
  /**
   * The metrics that it has; most have one.
   *
   * @throws Failure when a server that decides on them cannot be asked.
   */
  metrics(signal: AbortSignal): Promise<readonly ExternalMetricSpec[]>;
  /**
   * Reads one of them now.
   *
   * @throws Failure saying why there is no value.
   */
  read(metric: ExternalMetricSpec, signal: AbortSignal): Promise<TriggerReading>;
  /** Of a trigger that pushes: calls `onActive` whenever its server says that there is work, until the signal. */
  watch?(onActive: () => void, signal: AbortSignal): void;
  /** Of a trigger that pushes: calls `onMetrics` whenever its server announces its metrics and thresholds, until the signal. */
  watchMetrics?(onMetrics: (metrics: readonly ExternalMetricSpec[]) => void, signal: AbortSignal): void;
  close(): Promise<void>;
}

export interface ExternalMetricSpec {
  /** As the trigger names it; `s0-` is put before it and characters that a name cannot have are replaced by the caller. */
  readonly name: string;
  /** Threshold of the autoscaler. */
  readonly target: number;
  /** Whether the threshold is for each pod. */
  readonly targetType: "AverageValue" | "Value";
  /** Whether the threshold was written as a whole number; those are not given in thousandths. Source: keda-hpa-spec 5. */
  readonly isWhole: boolean;
  /** Whether the name is a server's, of which only what no autoscaler takes is replaced. Source: keda-hpa-spec 15.11. */
  readonly isVerbatim?: boolean;
}

export interface TriggerReading {
  /** Several are added up by the autoscaler. */
  readonly values: readonly number[];
  /** Whether there is work: above the activation threshold. */
  readonly isActive: boolean;
}

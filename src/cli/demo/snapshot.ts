import type { Deployment, KubeObject } from "#api";
import { isObject } from "#base";
import type { VerdictSnapshot } from "./verdict-snapshot.ts";
import { type CapacitySnapshot, capacityOf } from "./capacity-snapshot.ts";

/** What the demo shows of one copy of the app. Rates are of the last seconds; undefined where there was no traffic. */
export interface CopySnapshot {
  readonly ready: number;
  readonly desired: number;
  /** Tag of the image that the copy's template names. */
  readonly version: string;
  readonly requestsPerSecond: number | undefined;
  readonly successPercent: number | undefined;
  readonly p99Ms: number | undefined;
}

/** The rollout at one moment. */
export interface RolloutSnapshot {
  readonly phase: string;
  readonly weightPercent: number;
  /** Share of the requests that the canary's pods answered. */
  readonly servedPercent: number | undefined;
  readonly failedChecks: number;
  readonly threshold: number;
  readonly primary: CopySnapshot;
  readonly canary: CopySnapshot;
  /** Of a sequential analysis; empty for others. */
  readonly verdicts: readonly VerdictSnapshot[];
  /** Undefined where the autoscalers are not looked at. */
  readonly capacity: CapacitySnapshot | undefined;
  /** The operator's latest word on this Canary. */
  readonly lastEvent: string;
}

/** Rates of one workload, as the metrics store has them. */
export interface WorkloadRates {
  readonly requestsPerSecond: number | undefined;
  readonly successPercent: number | undefined;
  readonly p99Ms: number | undefined;
}

export interface SnapshotSources {
  readonly canary: KubeObject | undefined;
  readonly virtualService: KubeObject | undefined;
  readonly primary: Deployment | undefined;
  readonly target: Deployment | undefined;
  readonly rates: ReadonlyMap<string, WorkloadRates>;
  readonly verdicts: readonly VerdictSnapshot[];
  /** The autoscalers of both copies; undefined where they are not looked at. */
  readonly scalers: { readonly primary: KubeObject | undefined; readonly canary: KubeObject | undefined } | undefined;
  readonly lastEvent: string;
}

/** Puts together what people are shown from what the API server and the metrics store say. */
export function takeSnapshot(sources: SnapshotSources): RolloutSnapshot {
  const status = isObject(sources.canary?.status) ? sources.canary.status : {};
  const name = sources.canary?.metadata.name ?? "";
  const primary = copyOf(sources.primary, sources.rates);
  const canary = copyOf(sources.target, sources.rates);
  return {
    phase: typeof status.phase === "string" && status.phase !== "" ? status.phase : "Starting",
    weightPercent: canaryWeight(sources.virtualService, `${name}-canary`) ?? 0,
    servedPercent: servedShare(primary, canary),
    failedChecks: typeof status.failedChecks === "number" ? status.failedChecks : 0,
    threshold: thresholdOf(sources.canary),
    primary,
    canary,
    verdicts: isAnalysed(status.phase) ? sources.verdicts : [],
    capacity:
      sources.scalers === undefined
        ? undefined
        : capacityOf({
            canary: sources.canary,
            primaryScaler: sources.scalers.primary,
            canaryScaler: sources.scalers.canary,
          }),
    lastEvent: sources.lastEvent,
  };
}

/** Before and after, the figures are of another run. */
function isAnalysed(phase: unknown): boolean {
  return phase === "Progressing" || phase === "WaitingPromotion";
}

function copyOf(deployment: Deployment | undefined, rates: ReadonlyMap<string, WorkloadRates>): CopySnapshot {
  const image = deployment?.spec.template.spec.containers[0]?.image ?? "";
  const own = rates.get(deployment?.metadata.name ?? "");
  return {
    ready: deployment?.status?.readyReplicas ?? 0,
    desired: deployment?.spec.replicas ?? 0,
    version: image.includes(":") ? image.slice(image.lastIndexOf(":") + 1) : "",
    requestsPerSecond: own?.requestsPerSecond,
    successPercent: own?.successPercent,
    p99Ms: own?.p99Ms,
  };
}

function servedShare(primary: CopySnapshot, canary: CopySnapshot): number | undefined {
  const total = (primary.requestsPerSecond ?? 0) + (canary.requestsPerSecond ?? 0);
  return total > 0 ? ((canary.requestsPerSecond ?? 0) / total) * 100 : undefined;
}

function thresholdOf(canary: KubeObject | undefined): number {
  const analysis = isObject(canary?.spec) ? canary.spec.analysis : undefined;
  return isObject(analysis) && typeof analysis.threshold === "number" ? analysis.threshold : 1;
}

/** Reads the weight that the VirtualService asks for a destination; undefined when no route names it. */
export function canaryWeight(virtualService: KubeObject | undefined, host: string): number | undefined {
  const http = isObject(virtualService?.spec) ? virtualService.spec.http : undefined;
  for (const rule of Array.isArray(http) ? http : []) {
    const routes: unknown = isObject(rule) ? rule.route : undefined;
    for (const route of Array.isArray(routes) ? routes : []) {
      const destination: unknown = isObject(route) ? route.destination : undefined;
      if (isObject(route) && isObject(destination) && destination.host === host)
        return typeof route.weight === "number" ? route.weight : 0;
    }
  }
  return undefined;
}

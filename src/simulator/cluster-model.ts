import { HorizontalAutoscaler, SYNC_MS } from "./autoscaler-model.ts";
import type { Scenario } from "./scenario.ts";
import { TrafficHistory } from "./traffic-model.ts";
import { WorkloadModel } from "./workload-model.ts";

export type Copy = "primary" | "canary";
export const copies: readonly Copy[] = ["primary", "canary"];

/** One step of the model. */
export const STEP_MS = 1000;
/** Window of the rate that autoscalers look at. */
const RATE_WINDOW_MS = 30_000;
/** How long proxies take to hear of a route. */
const ROUTE_MS = 1000;
const OLD = "s-old";
const NEW = "s-new";

/** Two copies of an app, their autoscalers, and the route between them. */
export class ClusterModel {
  readonly workloads: Readonly<Record<Copy, WorkloadModel>>;
  readonly scalers: Readonly<Record<Copy, HorizontalAutoscaler | undefined>>;
  readonly traffic: Readonly<Record<Copy, TrafficHistory>> = {
    primary: new TrafficHistory(),
    canary: new TrafficHistory(),
  };
  /** Weight of the canary that the route asks for. */
  canaryWeight = 0;
  totals = { requestCount: 0, overloadedCount: 0, errorCount: 0, podMs: 0 };
  /** Requests per second beyond capacity in the last step. */
  overloadedRate = 0;
  #servedWeight = 0;
  #weightAtMs = 0;
  readonly #scenario: Scenario;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    const { podStartMs } = scenario.app;
    this.workloads = {
      primary: new WorkloadModel({ revision: OLD, desiredCount: scenario.replicaCount, podStartMs, isReadyAtMs: 0 }),
      canary: new WorkloadModel({ revision: OLD, desiredCount: 0, podStartMs }),
    };
    const { autoscaler } = scenario;
    const scalerOf = (copy: Copy): HorizontalAutoscaler | undefined =>
      autoscaler === undefined ? undefined : new HorizontalAutoscaler(autoscaler, this.workloads[copy]);
    this.scalers = { primary: scalerOf("primary"), canary: scalerOf("canary") };
  }

  /** The new version comes. */
  release(): void {
    this.workloads.canary.revision = NEW;
  }

  route(canaryWeight: number, nowMs: number): void {
    if (canaryWeight === this.canaryWeight) return;
    this.canaryWeight = canaryWeight;
    this.#weightAtMs = nowMs;
  }

  /** Lets a second pass: autoscalers look, pods come and go, users send requests. */
  step(nowMs: number): void {
    if (nowMs % SYNC_MS === 0) for (const copy of copies) this.#autoscale(copy, nowMs);
    for (const copy of copies) this.workloads[copy].reconcile(nowMs);
    if (nowMs - this.#weightAtMs >= ROUTE_MS) this.#servedWeight = this.canaryWeight;
    const rate = this.#scenario.rateAt(nowMs);
    this.overloadedRate = 0;
    this.#serve("canary", (rate * this.#servedWeight) / 100, nowMs);
    this.#serve("primary", (rate * (100 - this.#servedWeight)) / 100, nowMs);
    for (const copy of copies) this.totals.podMs += this.workloads[copy].podCount * STEP_MS;
  }

  #autoscale(copy: Copy, nowMs: number): void {
    const { autoscaler } = this.#scenario;
    if (autoscaler === undefined) return;
    const window = { windowMs: RATE_WINDOW_MS, endedMs: autoscaler.metricsDelayMs };
    const isDown = autoscaler.isDownAt?.(nowMs) === true;
    const rate = this.traffic[copy].over(window).requestCount / (RATE_WINDOW_MS / 1000);
    this.scalers[copy]?.sync(isDown ? undefined : rate, nowMs);
  }

  #serve(copy: Copy, rate: number, nowMs: number): void {
    const { app, releaseAtMs } = this.#scenario;
    const workload = this.workloads[copy];
    const capacity = workload.readyCount(nowMs) * app.requestsPerPod;
    const overloaded = Math.max(0, rate - capacity);
    const isNew = workload.revision === NEW;
    const errorRate = isNew ? (app.errorRateAt?.(nowMs - releaseAtMs) ?? 0) : 0;
    const errors = (rate - overloaded) * errorRate;
    this.overloadedRate += overloaded;
    this.totals.requestCount += rate;
    this.totals.overloadedCount += overloaded;
    this.totals.errorCount += errors;
    this.traffic[copy].add({ requestCount: rate, failedCount: overloaded + errors });
  }
}

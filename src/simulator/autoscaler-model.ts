import type { HorizontalPodAutoscalerSpec } from "#api";
import {
  initialMemory,
  limit,
  proposeByAverage,
  rememberRecommendation,
  rememberScale,
  type ScaleMemory,
  stabilize,
  toleranceOf,
} from "#scaling";
import type { AutoscalerModel } from "./scenario.ts";
import type { WorkloadModel } from "./workload-model.ts";

/** Source: `--horizontal-pod-autoscaler-sync-period`. */
export const SYNC_MS = 15_000;

/** The HPA of one copy: Kubernetes' own arithmetic of proposal, stabilisation and rate, on the model's request rate. */
export class HorizontalAutoscaler {
  /** What a lease holds its lower bound at. */
  floorCount: number | undefined;
  /** Pods that its metric asked for at the last look, neither rounded nor bounded; undefined without a metric. */
  podsForLoad: number | undefined;
  readonly #model: AutoscalerModel;
  readonly #workload: WorkloadModel;
  #memory: ScaleMemory | undefined;

  constructor(model: AutoscalerModel, workload: WorkloadModel) {
    this.#model = model;
    this.#workload = workload;
  }

  /** One look. `rate` is the requests per second of the copy as the metrics tell them now; undefined when they do not. */
  sync(rate: number | undefined, nowMs: number): void {
    const { minCount, maxCount, targetPerPod, behavior } = this.#model;
    const workload = this.#workload;
    const current = workload.desiredCount;
    // A target at rest is left alone: its ScaledObject is paused, and an HPA does not scale from zero.
    if (current === 0) {
      this.#memory = undefined;
      this.podsForLoad = undefined;
      return;
    }
    const minReplicas = Math.min(maxCount, Math.max(1, minCount, this.floorCount ?? 0));
    this.#memory ??= initialMemory(current, nowMs);
    this.podsForLoad = rate === undefined ? undefined : rate / targetPerPod;
    if (current < minReplicas || current > maxCount)
      return this.#set(Math.min(maxCount, Math.max(minReplicas, current)), nowMs);
    if (rate === undefined) return;
    const spec: HorizontalPodAutoscalerSpec = {
      scaleTargetRef: { kind: "Deployment", name: "web" },
      minReplicas,
      maxReplicas: maxCount,
      ...(behavior === undefined ? {} : { behavior }),
    };
    const tolerance = toleranceOf(spec);
    const asked = proposeByAverage({
      usage: rate,
      average: targetPerPod,
      statusReplicas: workload.podCount,
      tolerance,
    });
    const base = { spec, current, memory: this.#memory, nowMs };
    const stabilized = stabilize({ ...base, desired: asked });
    const { replicas } = limit({ ...base, desired: stabilized.replicas });
    this.#memory = rememberRecommendation(this.#memory, asked, nowMs);
    this.#set(replicas, nowMs);
  }

  #set(replicas: number, nowMs: number): void {
    const from = this.#workload.desiredCount;
    if (replicas === from || this.#memory === undefined) return;
    this.#memory = rememberScale(this.#memory, { from, to: replicas }, nowMs);
    this.#workload.desiredCount = replicas;
  }
}

import type { Canary, CanaryStatus } from "#api";
import { assert, Bug } from "#base";
import {
  type Answer,
  type Command,
  type CopyCapacity,
  type Decision,
  decide,
  MAX_ROUNDS,
  type Observation,
  type Question,
  readSettings,
  type WorkloadObservation,
} from "#rollout";
import type { ClusterModel, Copy } from "./cluster-model.ts";
import type { Scenario } from "./scenario.ts";

/** The operator on the model: it observes, has the real `decide` decide, and performs. */
export class OperatorModel {
  status: Partial<CanaryStatus>;
  readonly events: { atMs: number; message: string }[] = [];
  readonly #scenario: Scenario;
  readonly #cluster: ClusterModel;
  readonly #startMs: number;
  readonly #intervalMs: number;
  #lastTickMs: number | undefined;
  #wakeAtMs = 0;
  #seen = "";

  constructor(scenario: Scenario, cluster: ClusterModel, startMs: number) {
    this.#scenario = scenario;
    this.#cluster = cluster;
    this.#startMs = startMs;
    const settings = readSettings(scenario.canary, LIMITS);
    assert(settings.ok, "a scenario's Canary is valid");
    this.#intervalMs = settings.value.intervalMs;
    this.status = {
      phase: "Initialized",
      canaryWeight: 0,
      failedChecks: 0,
      iterations: 0,
      lastAppliedSpec: "s-old",
      lastPromotedSpec: "s-old",
      lastTransitionTime: new Date(startMs).toISOString(),
    };
  }

  /** Looks if it is time to, or if pods or routes changed. */
  look(nowMs: number): void {
    const seen = this.#fingerprint(nowMs);
    if (nowMs < this.#wakeAtMs && seen === this.#seen) return;
    const decision = this.#decide(nowMs);
    for (const command of decision.commands) this.#perform(command, nowMs);
    this.status = decision.status;
    if (decision.isTick) this.#lastTickMs = this.#startMs + nowMs;
    this.#wakeAtMs = decision.wakeAtMs === undefined ? Number.POSITIVE_INFINITY : decision.wakeAtMs - this.#startMs;
    this.#seen = this.#fingerprint(nowMs);
  }

  #fingerprint(nowMs: number): string {
    const { workloads, scalers } = this.#cluster;
    const parts = (["primary", "canary"] as const).map((copy) => {
      const workload = workloads[copy];
      const load = Math.round((scalers[copy]?.podsForLoad ?? -1) * 2);
      return `${workload.desiredCount}/${workload.podCount}/${workload.updatedReadyCount(nowMs)}/${workload.readyCount(nowMs)}/${workload.revision}/${load}`;
    });
    return parts.join(" ");
  }

  #decide(nowMs: number): Decision {
    const canary: Canary = { ...this.#scenario.canary, status: this.status };
    const answers = new Map<string, Answer>();
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const now = { nowMs: this.#startMs + nowMs, ...LIMITS };
      const decision = decide(canary, this.#observe(nowMs, answers), now);
      if (decision.questions.length === 0) return decision;
      for (const question of decision.questions) answers.set(question.id, this.#answer(question));
    }
    throw new Bug("the questions of a look end");
  }

  #observe(nowMs: number, answers: ReadonlyMap<string, Answer>): Observation {
    const { workloads, canaryWeight } = this.#cluster;
    const isPromoted = workloads.primary.revision === workloads.canary.revision;
    return {
      target: this.#workload("canary", nowMs),
      primary: { ...this.#workload("primary", nowMs), matchesTarget: isPromoted, isPromoted },
      routes: { primaryWeight: 100 - canaryWeight, canaryWeight, isMirrored: false },
      routesProblem: undefined,
      trackedConfigs: undefined,
      scalerMinCount: this.#scenario.autoscaler?.minCount,
      capacity: {
        primary: this.#capacity("primary", nowMs),
        canary: this.#capacity("canary", nowMs),
        quotaPodCount: undefined,
      },
      problems: [],
      lastTickMs: this.#lastTickMs,
      answers,
    };
  }

  #workload(copy: Copy, nowMs: number): WorkloadObservation {
    const workload = this.#cluster.workloads[copy];
    const isDone = workload.updatedReadyCount(nowMs) >= workload.desiredCount;
    return {
      kind: "Deployment",
      name: copy === "primary" ? "web-primary" : "web",
      templateHash: workload.revision,
      desiredCount: workload.desiredCount,
      generation: 1,
      observedGeneration: 1,
      replicaCount: workload.podCount,
      updatedCount: workload.updatedCount,
      readyCount: workload.readyCount(nowMs),
      availableCount: workload.updatedReadyCount(nowMs),
      progressing: { status: "True", reason: isDone ? "NewReplicaSetAvailable" : "ReplicaSetUpdated" },
    };
  }

  #capacity(copy: Copy, nowMs: number): CopyCapacity {
    const scaler = this.#cluster.scalers[copy];
    const { autoscaler, app } = this.#scenario;
    const youngest = this.#cluster.workloads[copy].youngestReadyMs(nowMs);
    return {
      servingCount: undefined,
      scaler:
        scaler === undefined || autoscaler === undefined
          ? undefined
          : {
              name: copy === "primary" ? "hpa web-primary" : "hpa web",
              minCount: Math.max(1, autoscaler.minCount),
              maxCount: autoscaler.maxCount,
              floorCount: scaler.floorCount,
              podsForLoad: scaler.podsForLoad,
            },
      protectedCount: 0,
      youngestReadyMs: youngest === undefined ? undefined : this.#startMs + youngest,
      podStartMs: app.podStartMs,
    };
  }

  #answer(question: Question): Answer {
    const window = { windowMs: this.#intervalMs, endedMs: 0 };
    const canary = this.#cluster.traffic.canary.over(window);
    const primary = this.#cluster.traffic.primary.over(window);
    switch (question.kind) {
      case "providers":
        return { kind: "providers" };
      case "samples":
        return { kind: "samples", samples: { untilMs: undefined, metrics: [] } };
      case "hook":
        return { kind: "hook", isPassed: question.hook.type !== "rollback", detail: "" };
      case "served": {
        const requestCount = canary.requestCount + primary.requestCount;
        if (requestCount === 0) return { kind: "served" };
        const canaryPercent = (100 * canary.requestCount) / requestCount;
        return { kind: "served", share: { canaryPercent, requestCount, windowMs: this.#intervalMs } };
      }
      case "metric": {
        if (canary.requestCount === 0) return { kind: "metric", result: { kind: "empty" } };
        const value = 100 * (1 - canary.failedCount / canary.requestCount);
        return { kind: "metric", result: value === 0 ? { kind: "zero" } : { kind: "value", value } };
      }
    }
  }

  #perform(command: Command, nowMs: number): void {
    const { workloads, scalers } = this.#cluster;
    switch (command.kind) {
      case "set-routes":
        return this.#cluster.route(command.canaryWeight, nowMs);
      case "scale-target":
        workloads.canary.desiredCount = command.replicaCount;
        return;
      case "ensure-primary":
        if (command.mode === "sync") workloads.primary.revision = workloads.canary.revision;
        return;
      case "set-floor": {
        const scaler = scalers[command.copy];
        if (scaler !== undefined) scaler.floorCount = command.replicaCount;
        return;
      }
      case "event":
        if (this.events.at(-1)?.message !== command.message)
          this.events.push({ atMs: nowMs, message: command.message });
        return;
      case "ensure-services":
      case "ensure-scaler":
      case "ensure-apex":
      case "restore-apex":
      case "restore-routes":
      case "add-finalizer":
      case "remove-finalizer":
      case "clear-intent":
      case "alert":
      case "call-hooks":
      case "count-run":
        // Nothing of the model changes by it.
        return;
    }
  }
}

const LIMITS = { minIntervalMs: 1000 };

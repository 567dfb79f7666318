import { unreachable } from "#base";
import type { Command, CopyCapacity, Observation, WorkloadObservation } from "#rollout";
import { ReplicaModel } from "./replica-model.ts";

/** Pods of the primary, and of a canary that has all of the traffic. Source: statistics reference 5.1. */
const POD_COUNT = 10;
const OLD_REVISION = "s-old";
const NEW_REVISION = "s-new";

/** The objects of one release without an autoscaler: two copies and a route. Changed by commands alone. */
export class ReleaseCluster {
  weightPercent = 0;
  readonly #podStartMs: number;
  readonly #primary: ReplicaModel;
  readonly #canary: ReplicaModel;
  #primaryRevision = OLD_REVISION;

  constructor(podStartMs: number, longAgoMs: number) {
    this.#podStartMs = podStartMs;
    this.#primary = new ReplicaModel(podStartMs, { count: POD_COUNT, readyMs: longAgoMs });
    this.#canary = new ReplicaModel(podStartMs, { count: 0, readyMs: longAgoMs });
  }

  /** What a look at the objects sees; the rest of an observation is the operator's own. */
  observe(nowMs: number): Omit<Observation, "answers" | "lastTickMs"> {
    const isPromoted = this.#primaryRevision === NEW_REVISION;
    return {
      target: workload({ name: "web", templateHash: NEW_REVISION }, this.#canary, nowMs),
      primary: {
        ...workload({ name: "web-primary", templateHash: this.#primaryRevision }, this.#primary, nowMs),
        matchesTarget: isPromoted,
        isPromoted,
      },
      routes: { primaryWeight: 100 - this.weightPercent, canaryWeight: this.weightPercent, isMirrored: false },
      routesProblem: undefined,
      trackedConfigs: undefined,
      scalerMinCount: undefined,
      capacity: {
        primary: this.#capacity(this.#primary, nowMs),
        canary: this.#capacity(this.#canary, nowMs),
        quotaPodCount: undefined,
      },
      problems: [],
    };
  }

  /** Changes when something happened that an operator would look at. */
  fingerprint(nowMs: number): number {
    const canary = this.#canary.readyCount(nowMs) * 1000 + this.#canary.desiredCount;
    return canary * 1000 + this.#primary.readyCount(nowMs);
  }

  perform(command: Command, nowMs: number): void {
    switch (command.kind) {
      case "set-routes":
        this.weightPercent = command.canaryWeight;
        return;
      case "scale-target":
        this.#canary.scale(command.replicaCount, nowMs);
        return;
      case "ensure-primary":
        if (command.mode === "sync") this.#primaryRevision = NEW_REVISION;
        return;
      case "set-floor":
      case "event":
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
      default:
        return unreachable(command);
    }
  }

  #capacity(copy: ReplicaModel, nowMs: number): CopyCapacity {
    return {
      servingCount: undefined,
      scaler: undefined,
      protectedCount: 0,
      youngestReadyMs: copy.youngestReadyMs(nowMs),
      podStartMs: this.#podStartMs,
    };
  }
}

function workload(
  { name, templateHash }: { readonly name: string; readonly templateHash: string },
  copy: ReplicaModel,
  nowMs: number,
): WorkloadObservation {
  const readyCount = copy.readyCount(nowMs);
  const isDone = readyCount >= copy.desiredCount;
  return {
    kind: "Deployment",
    name,
    templateHash,
    desiredCount: copy.desiredCount,
    generation: 1,
    observedGeneration: 1,
    replicaCount: copy.desiredCount,
    updatedCount: copy.desiredCount,
    readyCount,
    availableCount: readyCount,
    progressing: { status: "True", reason: isDone ? "NewReplicaSetAvailable" : "ReplicaSetUpdated" },
  };
}

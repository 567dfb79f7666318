import { unreachable } from "#base";
import type { Command, CopyCapacity, Observation, WorkloadObservation } from "#rollout";
import type { Environment } from "./environment.ts";
import { ReplicaModel } from "./replica-model.ts";
import { RouteModel } from "./route-model.ts";

/** Pods of the primary, and of a canary that has all of the traffic. Source: statistics reference 5.1. */
const POD_COUNT = 10;
const OLD_REVISION = "s-old";
const NEW_REVISION = "s-new";
/** Source: `spec.progressDeadlineSeconds` of a Deployment that does not set it. */
const PROGRESS_DEADLINE_MS = 600_000;

/** The objects of one release without an autoscaler: two copies and a route. Changed by commands alone. */
export class ReleaseCluster {
  readonly route: RouteModel;
  readonly #podStartMs: number;
  readonly #primary: ReplicaModel;
  readonly #canary: ReplicaModel;
  #primaryRevision = OLD_REVISION;
  /** When the primary's pods are all of its revision. */
  #primaryUpdatedMs: number;

  constructor({ podStartMs = 0, meshLagMs = 0 }: Environment, longAgoMs: number) {
    this.#podStartMs = podStartMs;
    this.#primaryUpdatedMs = longAgoMs;
    this.route = new RouteModel(meshLagMs);
    this.#primary = new ReplicaModel(podStartMs, { count: POD_COUNT, readyMs: longAgoMs });
    this.#canary = new ReplicaModel(podStartMs, { count: 0, readyMs: longAgoMs });
  }

  /** What a look at the objects sees; the rest of an observation is the operator's own. */
  observe(nowMs: number): Omit<Observation, "answers" | "lastTickMs"> {
    const isPromoted = this.#primaryRevision === NEW_REVISION;
    const { askedPercent } = this.route;
    return {
      target: workload({ name: "web", templateHash: NEW_REVISION }, this.#canary, nowMs),
      primary: {
        ...this.#primaryAt(nowMs),
        matchesTarget: isPromoted,
        isPromoted,
      },
      routes: { primaryWeight: 100 - askedPercent, canaryWeight: askedPercent, isMirrored: false },
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
    return canary * 1000 + this.#primary.readyCount(nowMs) + (nowMs < this.#primaryUpdatedMs ? 0.5 : 0);
  }

  /** Whether an object is written by a command: events and alerts are none, and what is as it should be stays as it is. */
  isChangedBy(command: Command): boolean {
    if (command.kind === "set-routes") return command.canaryWeight !== this.route.askedPercent;
    if (command.kind === "scale-target") return command.replicaCount !== this.#canary.desiredCount;
    return command.kind === "ensure-primary" && this.#isNewForPrimary(command.mode);
  }

  #isNewForPrimary(mode: Extract<Command, { kind: "ensure-primary" }>["mode"]): boolean {
    return mode === "sync" && this.#primaryRevision !== NEW_REVISION;
  }

  perform(command: Command, nowMs: number): void {
    switch (command.kind) {
      case "set-routes":
        this.route.ask(command.canaryWeight, nowMs);
        return;
      case "scale-target":
        this.#canary.scale(command.replicaCount, nowMs);
        return;
      case "ensure-primary":
        if (this.#isNewForPrimary(command.mode)) {
          this.#primaryRevision = NEW_REVISION;
          this.#primaryUpdatedMs = nowMs + this.#podStartMs;
        }
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

  /** While its pods are replaced, those of the old revision serve. */
  #primaryAt(nowMs: number): WorkloadObservation {
    const observed = workload({ name: "web-primary", templateHash: this.#primaryRevision }, this.#primary, nowMs);
    if (nowMs >= this.#primaryUpdatedMs) return observed;
    const progressing = progressOf(this.#primaryUpdatedMs - this.#podStartMs, nowMs);
    return { ...observed, updatedCount: 0, progressing };
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
    progressing: isDone
      ? { status: "True", reason: "NewReplicaSetAvailable" }
      : progressOf(copy.progressedMs(nowMs), nowMs),
  };
}

/** What a Deployment's controller says of a rollout that is not done. */
function progressOf(lastUpdateMs: number, nowMs: number): NonNullable<WorkloadObservation["progressing"]> {
  return nowMs < lastUpdateMs + PROGRESS_DEADLINE_MS
    ? { status: "True", reason: "ReplicaSetUpdated", lastUpdateMs }
    : { status: "False", reason: "ProgressDeadlineExceeded", lastUpdateMs };
}

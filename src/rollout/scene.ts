import type { Canary, CanaryAnalysis, CanaryStatus } from "#api";
import { decide } from "./decide.ts";
import type { Command, Decision } from "./decision.ts";
import { type Intent, type IntentAction, INTENT_ANNOTATION, PAUSE_ANNOTATION } from "./intent.ts";
import type {
  Answer,
  CapacityObservation,
  CopyCapacity,
  Observation,
  PrimaryObservation,
  WorkloadObservation,
  ScalerObservation,
} from "./observation.ts";

/** Builders of situations for tests: a Canary `web.shop` with sensible parts, each replaceable. */

export const NOW_MS = Date.parse("2026-01-01T12:00:00Z");

export interface Scene {
  readonly status?: Partial<CanaryStatus>;
  readonly analysis?: Partial<CanaryAnalysis>;
  readonly spec?: Partial<Canary["spec"]>;
  readonly metadata?: Canary["metadata"];
  readonly target?: Partial<WorkloadObservation> | "missing";
  readonly primary?: Partial<PrimaryObservation> | "missing";
  readonly observation?: Partial<Observation>;
  readonly answers?: Readonly<Record<string, Answer>>;
}

/** A workload of two pods, all there. */
export function workload<T extends Partial<WorkloadObservation>>(changes: T): WorkloadObservation & T {
  const desiredCount = changes.desiredCount ?? 2;
  return {
    kind: "Deployment",
    name: "web",
    templateHash: "s-new",
    desiredCount,
    generation: 1,
    observedGeneration: 1,
    replicaCount: desiredCount,
    updatedCount: desiredCount,
    readyCount: desiredCount,
    availableCount: desiredCount,
    progressing: { status: "True", reason: "NewReplicaSetAvailable" },
    ...changes,
  };
}

/** Pods that do not come up, and may still. */
export const unready: Partial<WorkloadObservation> = { readyCount: 0, availableCount: 0 };
/** Pods that did not come up in time. */
export const stuck: Partial<WorkloadObservation> = {
  ...unready,
  progressing: { status: "False", reason: "ProgressDeadlineExceeded" },
};

export function canaryOf(scene: Scene): Canary {
  return {
    apiVersion: "flagger.app/v1beta1",
    kind: "Canary",
    metadata: { name: "web", namespace: "shop", uid: "1", ...scene.metadata },
    spec: {
      targetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
      service: { port: 80 },
      analysis: { interval: "10s", threshold: 3, stepWeight: 10, maxWeight: 50, ...scene.analysis },
      ...scene.spec,
    },
    status: {
      phase: "Initialized",
      canaryWeight: 0,
      failedChecks: 0,
      iterations: 0,
      lastAppliedSpec: "s-new",
      lastPromotedSpec: "s-old",
      lastTransitionTime: new Date(NOW_MS - 60_000).toISOString(),
      ...scene.status,
    },
  };
}

/** Nothing but the numbers of the workloads. */
export const unknownCopy: CopyCapacity = {
  servingCount: undefined,
  scaler: undefined,
  protectedCount: 0,
  youngestReadyMs: undefined,
  podStartMs: undefined,
};
export const unknownCapacity: CapacityObservation = {
  primary: unknownCopy,
  canary: unknownCopy,
  quotaPodCount: undefined,
};

/** A copy whose autoscaler `hpa web` keeps 2 to 10 pods. */
export function scaledCopy(
  scaler: Partial<ScalerObservation> = {},
  changes: Partial<Omit<CopyCapacity, "scaler">> = {},
): CopyCapacity {
  const own = { name: "hpa web", minCount: 2, maxCount: 10, floorCount: undefined, podsForLoad: undefined };
  return { ...unknownCopy, ...changes, scaler: { ...own, ...scaler } };
}

/** Ten pods' worth of load on the primary, by its autoscaler's own metrics. */
export const loaded: CapacityObservation = {
  primary: scaledCopy({ name: "hpa web-primary", podsForLoad: 8, maxCount: 20 }),
  canary: scaledCopy({ podsForLoad: 2 }),
  quotaPodCount: undefined,
};

/** With that load in the middle of a release; the next step is from 20 to 30%. */
export const analysing: Scene = {
  status: { phase: "Progressing", canaryWeight: 20 },
  primary: { desiredCount: 12 },
  target: { desiredCount: 4 },
  observation: { capacity: loaded },
};

/** What the proxies counted in ten seconds. */
export function servedAt(requestsPerSecond: number, canaryPercent: number): Answer {
  return { kind: "served", share: { canaryPercent, requestCount: requestsPerSecond * 10, windowMs: 10_000 } };
}

export function observationOf(scene: Scene): Observation {
  const weight = scene.status?.canaryWeight ?? 0;
  return {
    target: scene.target === "missing" ? undefined : workload(scene.target ?? {}),
    primary:
      scene.primary === "missing"
        ? undefined
        : { matchesTarget: false, isPromoted: false, ...workload({ name: "web-primary", ...scene.primary }) },
    routes: { primaryWeight: 100 - weight, canaryWeight: weight, isMirrored: false },
    routesProblem: undefined,
    trackedConfigs: undefined,
    scalerMinCount: undefined,
    capacity: unknownCapacity,
    problems: [],
    lastTickMs: undefined,
    answers: new Map(Object.entries({ served: { kind: "served" }, ...scene.answers })),
    ...scene.observation,
  };
}

export function decideScene(scene: Scene): Decision {
  return decide(canaryOf(scene), observationOf(scene), { nowMs: NOW_MS, minIntervalMs: 1000 });
}

/** A request of a person, as the annotations of a Canary hold it. */
export function asked(action: IntentAction, changes: Partial<Intent> = {}): Canary["metadata"] {
  const intent: Intent = { action, by: "ann", why: "pages", at: new Date(NOW_MS - 5000).toISOString(), ...changes };
  return { name: "web", namespace: "shop", uid: "1", annotations: { [INTENT_ANNOTATION]: JSON.stringify(intent) } };
}

export const pausedMetadata: Canary["metadata"] = {
  name: "web",
  namespace: "shop",
  uid: "1",
  annotations: { [PAUSE_ANNOTATION]: JSON.stringify({ by: "ann", why: "lunch", at: "2026-01-01T11:00:00Z" }) },
};

/** A Canary that is being deleted and hands its traffic back. */
export const terminating: Canary["metadata"] = {
  name: "web",
  namespace: "shop",
  uid: "1",
  deletionTimestamp: "2026-01-01T11:59:00Z",
  finalizers: ["finalizer.flagger.app"],
};

/** The terminal alerts of a decision. */
export function terminalAlerts(decision: Decision): { message: string; reason?: string }[] {
  return decision.commands.flatMap((command) =>
    command.kind === "alert" && command.isTerminal
      ? [{ message: command.message, ...(command.reason === undefined ? {} : { reason: command.reason }) }]
      : [],
  );
}

/** The commands of a kind. */
export function commandsOf<K extends Command["kind"]>(decision: Decision, kind: K): Extract<Command, { kind: K }>[] {
  return decision.commands.filter((command): command is Extract<Command, { kind: K }> => command.kind === kind);
}

/** The events of a decision. */
export function messagesOf(decision: Decision): string[] {
  return decision.commands.flatMap((command) => (command.kind === "event" ? [command.message] : []));
}

/** The weight that the decision routes to the canary; undefined when it leaves the routes. */
export function routedWeight(decision: Decision): number | undefined {
  return decision.commands.flatMap((command) => (command.kind === "set-routes" ? [command.canaryWeight] : [])).at(-1);
}

export function value(number: number): Answer {
  return { kind: "metric", result: number === 0 ? { kind: "zero" } : { kind: "value", value: number } };
}

export const passed: Answer = { kind: "hook", isPassed: true, detail: "" };
export const refused: Answer = { kind: "hook", isPassed: false, detail: "not now" };

import type { ContainerPlan, PodPlan, ProbeKind } from "./pod-plan.ts";
import type { ProbeRun } from "./probe-run.ts";

/** Everything the lifecycle of one pod knows; immutable, changed only by `step`. */
export interface PodState {
  readonly plan: PodPlan;
  /** When the node took the pod on. */
  readonly startedMs: number;
  readonly containers: readonly ContainerRun[];
  /** Set when the pod is to go away: the time by which everything must have ended. */
  readonly deletion: { readonly killAtMs: number } | undefined;
  /** All has ended after a deletion; nothing more happens. */
  readonly isFinished: boolean;
}

export interface ContainerRun {
  readonly plan: ContainerPlan;
  readonly phase: ContainerPhase;
  /** How the run before ended. */
  readonly last: Ended | undefined;
  /** Counts up with every start, so that reports of an earlier run are told apart. */
  readonly run: number;
  /** How often it has ended; the API's restartCount follows from it. */
  readonly endedCount: number;
  readonly backoff: RestartBackoff | undefined;
}

export interface RestartBackoff {
  readonly delayMs: number;
  /** When it was last used. */
  readonly usedMs: number;
}

export type ContainerPhase = Waiting | Starting | Running | Ended;

export interface Waiting {
  readonly type: "waiting";
  readonly reason: string;
  readonly message: string | undefined;
  /** When to try (again); undefined: it waits for another container. */
  readonly retryAtMs: number | undefined;
}

export interface Starting {
  readonly type: "starting";
  /** What it waited for; shown until the outcome is known. */
  readonly after: Waiting;
}

export interface Running {
  readonly type: "running";
  readonly startedMs: number;
  readonly containerId: string;
  /** The postStart hook has not ended. */
  readonly isHookPending: boolean;
  /** No startup probe, or it has passed. */
  readonly isStarted: boolean;
  readonly probes: readonly ProbeRun[];
  readonly stop: Stop | undefined;
}

/** The way from the decision to stop a container to its end: endpoints leave, preStop, SIGTERM, SIGKILL. */
export interface Stop {
  readonly stage: "leaving" | "pre-stop" | "terminating" | "killed";
  /** When the stage is over at the latest. */
  readonly dueMs: number;
  /** When the grace period ends. */
  readonly killAtMs: number;
}

export interface Ended {
  readonly type: "ended";
  readonly exitCode: number;
  readonly reason: string;
  readonly message: string | undefined;
  readonly startedMs: number | undefined;
  readonly finishedMs: number;
  readonly containerId: string | undefined;
}

/** What happens to a pod. `run` is that of the container at the time the effect was asked for. */
export type PodEvent =
  | { readonly type: "tick" }
  | { readonly type: "started"; readonly container: string; readonly run: number; readonly containerId: string }
  | {
      /** The container cannot be made: its image or its settings are missing. */
      readonly type: "refused";
      readonly container: string;
      readonly run: number;
      readonly reason: "ErrImagePull" | "CreateContainerConfigError" | "ContainerCreating";
      readonly message: string;
    }
  | {
      /** The container was made, but its program cannot be executed. */
      readonly type: "failed-to-start";
      readonly container: string;
      readonly run: number;
      readonly message: string;
    }
  | { readonly type: "exited"; readonly container: string; readonly run: number; readonly exitCode: number }
  | {
      readonly type: "probed";
      readonly container: string;
      readonly run: number;
      readonly probe: ProbeKind;
      readonly isSuccess: boolean;
      readonly output: string;
    }
  | {
      readonly type: "hook-ended";
      readonly container: string;
      readonly run: number;
      readonly hook: "postStart" | "preStop";
      /** Why it failed; undefined when it did not. */
      readonly problem: string | undefined;
    }
  | { readonly type: "delete"; readonly graceMs: number };

/** What the caller of `step` has to do. */
export type PodAction =
  | { readonly type: "start"; readonly container: string; readonly run: number }
  | { readonly type: "probe"; readonly container: string; readonly run: number; readonly probe: ProbeKind }
  | { readonly type: "hook"; readonly container: string; readonly run: number; readonly hook: "postStart" | "preStop" }
  | { readonly type: "signal"; readonly container: string; readonly signal: "SIGTERM" | "SIGKILL" }
  | {
      readonly type: "event";
      readonly eventType: "Normal" | "Warning";
      readonly reason: string;
      readonly message: string;
      readonly container: string | undefined;
    }
  /** Everything has ended after a deletion: the object can go. */
  | { readonly type: "finish" };

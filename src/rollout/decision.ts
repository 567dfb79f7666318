import type { CanaryPhase, CanaryStatus, CanaryWebhook } from "#api";
import type { CapacityPlan } from "./capacity-plan.ts";
import type { MetricResult, Question } from "./observation.ts";

/** The outcome of one look at a Canary. */
export interface Decision {
  readonly label: Label;
  /** The status to record, last. Equal to the present one when nothing changed. */
  readonly status: CanaryStatus;
  /** What to do, in this order. Each is idempotent. */
  readonly commands: readonly Command[];
  /** Made when it is first read, and the same whenever that is. A property of its class: what copies a decision's fields leaves it out. */
  readonly explanation: Explanation;
  /** When not empty: ask these, add the answers to the observation, and decide again; nothing else is to be done. */
  readonly questions: readonly Question[];
  /** Whether this look counts as the tick of the interval, even if the status did not change. */
  readonly isTick: boolean;
  /** When to look again at the latest; undefined when only a change can matter. */
  readonly wakeAtMs: number | undefined;
}

/** Names of the transitions; each is one row of the table and named by a test. */
export type Label =
  | "deleting"
  | "terminate"
  | "terminate-target-gone"
  | "terminate-wait"
  | "terminate-stuck"
  | "terminate-done"
  | "abort"
  | "suspended"
  | "invalid-spec"
  | "target-missing"
  | "rollback-target-gone"
  | "withdraw"
  | "blocked"
  | "adopt"
  | "bootstrap-stuck"
  | "bootstrap-wait"
  | "ask-providers"
  | "bootstrap-done"
  | "takeover"
  | "track-configs"
  | "waiting-cancelled"
  | "wait-primary-settle"
  | "paused"
  | "ask-confirm-rollout"
  | "wait-approval"
  | "start"
  | "return-traffic"
  | "drain"
  | "scale-down"
  | "steady"
  | "reverted"
  | "restart"
  | "rollback-canary-stuck"
  | "rescale"
  | "wait-canary"
  | "promote-asked"
  | "skip-analysis"
  | "wait-tick"
  | "wait-warm-up"
  | "ask-rollback"
  | "rollback-requested"
  | "ask-samples"
  | "restart-analysis"
  | "rollback-evidence"
  | "rollback-objective"
  | "on-timeout-rollback"
  | "hold-no-data"
  | "rollback-threshold"
  | "ask-checks"
  | "rollback-check-failed"
  | "halt"
  | "hold-unreachable"
  | "hold-check"
  | "hold-objective"
  | "hold-shared-damage"
  | "hold-sample-ratio"
  | "hold-suspicious"
  | "on-timeout-hold"
  | "collect"
  | "hold-routes"
  | "wait-capacity"
  | "rollback-capacity"
  | "ask-traffic-increase"
  | "traffic-gate-closed"
  | "mirror"
  | "advance"
  | "iterate"
  | "ask-confirm-promotion"
  | "promotion-gate-closed"
  | "route-canary"
  | "on-timeout-promote"
  | "promote"
  | "promote-resume"
  | "promotion-failed"
  | "promotion-failed-no-refuge"
  | "wait-primary"
  | "ask-demand"
  | "wait-primary-capacity"
  | "promotion-shift"
  | "finalise"
  | "drain-canary"
  | "complete"
  | "unknown-phase";

export type EventType = "Normal" | "Warning";

export type Command =
  /** Services of the two copies. */
  | { readonly kind: "ensure-services" }
  /** The primary workload: `create` when it is missing, `sync` to give it the target's present template and configs. */
  | { readonly kind: "ensure-primary"; readonly mode: "create" | "sync" }
  /** The primary's autoscaler, likewise. */
  | { readonly kind: "ensure-scaler"; readonly mode: "create" | "sync" }
  /** The Service that clients use, pointed at the primary. */
  | { readonly kind: "ensure-apex" }
  /**
   * Routing objects with these weights (the primary gets the rest of 100), repaired where they drifted. In an A/B test the
   * weight is that of the requests that match. `cookies` pin clients to a copy.
   */
  | {
      readonly kind: "set-routes";
      readonly canaryWeight: number;
      readonly isMirrored: boolean;
      readonly cookies?: AffinityCookies;
    }
  /** Of a core Service there is nothing to scale. */
  | { readonly kind: "scale-target"; readonly replicaCount: number }
  /**
   * The least number of pods that the copy's autoscaler keeps, above its own: a lease on the autoscaler, which remembers
   * what was there before. Without a number the lease is given back.
   */
  | { readonly kind: "set-floor"; readonly copy: "primary" | "canary"; readonly replicaCount: number | undefined }
  /** Keeps the Canary after its deletion until its traffic was handed back: `finalizer.flagger.app`. */
  | { readonly kind: "add-finalizer" }
  /** Lets a deleted Canary go. */
  | { readonly kind: "remove-finalizer" }
  /** Points the Service that clients use at the target, or gives it back its own selector. Source: flagger-spec 2.10. */
  | { readonly kind: "restore-apex" }
  /** Gives routing objects that were there before back what they had. Source: flagger-spec 2.10. */
  | { readonly kind: "restore-routes" }
  /** Removes the intent annotation, if it still is what was read. */
  | { readonly kind: "clear-intent" }
  /** `isStanding` events tell a condition that lasts: once while it does, not at every look. */
  | { readonly kind: "event"; readonly type: EventType; readonly message: string; readonly isStanding: boolean }
  | {
      readonly kind: "alert";
      readonly severity: "info" | "warn" | "error";
      readonly message: string;
      readonly hasMetadata: boolean;
      readonly isStanding: boolean;
      /** The last message about a release: how it ended. Each release has exactly one. */
      readonly isTerminal: boolean;
      /** Why, in one sentence; shown under the message. */
      readonly reason?: string;
    }
  /** Hooks whose answer changes nothing: post-rollout. */
  | { readonly kind: "call-hooks"; readonly hooks: readonly CanaryWebhook[]; readonly phase: CanaryPhase }
  | { readonly kind: "count-run"; readonly outcome: "success" | "failure"; readonly analysis: "completed" | "skipped" };

/** Session cookies as `name=value`. Source: flagger-spec 4.1.4. */
export interface AffinityCookies {
  /** Requests that carry it go to the canary; the canary's answers of the weighted route set it. */
  readonly canary?: string;
  /** Likewise for the primary. */
  readonly primary?: string;
  /** Of a run that is over: taken back from clients that still send it. */
  readonly previous?: string;
}

/** Why, as data; the sentence alone must be enough for a person. */
export interface Explanation {
  readonly sentence: string;
  readonly fromPhase: CanaryPhase;
  readonly toPhase: CanaryPhase;
  readonly fromWeight: number;
  readonly toWeight: number;
  readonly checks: readonly CheckFact[];
  /** What the traffic needed in pods; absent when nothing is said of it. */
  readonly capacity?: CapacityPlan;
  /** Of a sequential analysis: what was seen of each metric, and how far it is from a verdict. */
  readonly evidence?: Evidence;
  /** What would have led to another outcome, in one sentence: `with 3 bad requests fewer it would have gone on`. */
  readonly otherwise?: string;
}

/** Where the evidence of a run stands. Evidence is the natural logarithm of an e-value. */
export interface Evidence {
  /** All metrics together, against "no worse than tolerated". */
  readonly combined: number;
  /** At which the release is rolled back: ln(1/alpha). */
  readonly stopAt: number;
  /** The metric that the release is rolled back or held for; absent when it is neither, or not for one. */
  readonly leading?: string;
  readonly metrics: readonly EvidenceFact[];
}

export interface EvidenceFact {
  readonly metric: string;
  /** What is counted as bad, or compared: `errors`, `slower than 250ms`. */
  readonly what: string;
  readonly canary: { readonly total: number; readonly bad: number };
  readonly primary: { readonly total: number; readonly bad: number };
  /** Canary's bad rate minus the primary's, 0 to 1; undefined before the first request. */
  readonly estimate: number | undefined;
  /** What the difference may be, with the confidence of the run. */
  readonly interval?: { readonly low: number; readonly high: number };
  /** ln E against "no worse than tolerated". */
  readonly worse: number;
  /** Chance of so much evidence about a release that is no worse than tolerated, 0 to 1. */
  readonly falseAlarm: number;
  /** Upper bound of the canary's excess, 0 to 1; the release goes on when it is at most `goAt`. */
  readonly bound: number | undefined;
  readonly goAt: number | undefined;
  /** Requests of the canary that a verdict still needs at the rates seen, and how long they take at this traffic. */
  readonly left?: { readonly requestCount: number; readonly etaMs: number | undefined };
  readonly verdict: "worse" | "better" | "unknown";
  readonly query?: string;
  readonly windowMs?: number;
}

/** One check of the tick: what was asked, what came back, what was allowed. */
export interface CheckFact {
  readonly name: string;
  readonly verdict: "passed" | "failed" | "unknown";
  readonly detail: string;
  readonly result?: MetricResult;
  /** What a value may be: `99% or more`; absent for hooks. */
  readonly allowed?: string;
  /** How far back the query looks, as the metric's interval has it. */
  readonly window?: string;
  readonly query?: string;
}

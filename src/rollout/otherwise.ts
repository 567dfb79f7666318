import type { CanaryWebhookType } from "#api";
import { formatDuration } from "#base";
import { gateOf, rollbackRequest } from "./checks.ts";
import type { CheckFact, Label } from "./decision.ts";
import type { Draft } from "./draft.ts";
import { isCovered, type Need } from "./plan-capacity.ts";
import type { Situation } from "./situation.ts";

type Saying = (s: Situation, draft: Draft) => string | undefined;

const sayings: Readonly<Partial<Record<Label, Saying>>> = {
  halt: (_, { checks = [] }) => sentence(wishesOf(checks), "it would not have counted as a failed check"),
  "rollback-check-failed": ({ settings }, { checks = [] }) =>
    sentence(wishesOf(checks), `or a threshold above ${settings.threshold}, it would not have been rolled back`),
  "rollback-threshold": ({ status }) =>
    `With a threshold above ${status.failedChecks} it would not have been rolled back.`,
  "hold-unreachable": (_, { checks = [] }) => `As soon as ${unknownNames(checks)} can be measured, the step is judged.`,
  withdraw: () => "With one ready pod the canary would have kept its traffic.",
  "wait-canary": (s) => availability(s, "the analysis goes on"),
  "rollback-canary-stuck": (s) => availability(s, "it would not have been rolled back"),
  "wait-capacity": (s) => shortage(s, "the next step would be taken"),
  "rollback-capacity": (s) => shortage(s, "it would not have been rolled back"),
  "wait-approval": (s) => gate(s, "confirm-rollout", "the release starts"),
  "traffic-gate-closed": (s) => gate(s, "confirm-traffic-increase", "the canary gets more traffic"),
  "promotion-gate-closed": (s) => gate(s, "confirm-promotion", "the release is promoted"),
  "rollback-requested": requested,
  paused: () => "After serin resume it goes on.",
  "hold-routes": () => "As soon as the routes are in force it goes on.",
};

/**
 * What would have led to another outcome, in one sentence about a release; undefined where nothing plain and true can be
 * said. It speaks of the row that decided and no further: what would have come after it nobody knows.
 */
export function otherwiseOf(s: Situation, label: Label, draft: Draft): string | undefined {
  return sayings[label]?.(s, draft);
}

/** `With request-success-rate at 99% or more and the hook load passing …`. */
function sentence(wishes: readonly string[], then: string): string | undefined {
  return wishes.length === 0 ? undefined : `With ${wishes.join(" and ")}, ${then}.`;
}

function wishesOf(checks: readonly CheckFact[]): string[] {
  return checks.filter(({ verdict }) => verdict === "failed").map(wishOf);
}

function wishOf({ name, allowed, result }: CheckFact): string {
  if (result?.kind === "empty") return `a value of ${name}`;
  if (result?.kind === "error") return `a query of ${name} that the provider accepts`;
  return allowed === undefined ? `the hook ${name} passing` : `${name} at ${allowed}`;
}

function unknownNames(checks: readonly CheckFact[]): string {
  const names = checks.filter(({ verdict }) => verdict === "unknown").map(({ name }) => name);
  return [...new Set(names)].join(" and ");
}

function shortage({ capacity }: Situation, then: string): string | undefined {
  if (capacity === undefined) return undefined;
  const missing = missingCount(capacity.canaryNext, capacity.canary.readyCount);
  return missing <= 0 ? undefined : `With ${missing} more ready ${pods(missing)} of the canary ${then}.`;
}

function missingCount(need: Need, readyCount: number): number {
  return isCovered(need, readyCount) ? 0 : Math.max(need.count, need.bareCount) - readyCount;
}

/** Pods that are missing before the canary counts as ready. Source: flagger-spec 2.8. */
function availability({ target, settings, targetReadiness }: Situation, then: string): string | undefined {
  const { desiredCount, updatedCount, replicaCount, availableCount } = target;
  const isBehind = target.generation > target.observedGeneration;
  if (desiredCount === 0 || replicaCount > updatedCount || isBehind) return undefined;
  // Before all of them are made, no share of them is enough.
  const isMade = updatedCount >= desiredCount;
  const needed = isMade ? Math.max(1, Math.floor((desiredCount * settings.canaryReadyPercent) / 100)) : desiredCount;
  const missing = needed - Math.min(availableCount, updatedCount);
  if (missing <= 0) return undefined;
  const within = targetReadiness.kind === "stuck" ? ` within ${formatDuration(settings.progressDeadlineMs)}` : "";
  return `With ${missing} more available ${pods(missing)} of the canary${within} ${then}.`;
}

function gate(s: Situation, type: Exclude<CanaryWebhookType, "">, then: string): string | undefined {
  const state = gateOf(s, type);
  return state.kind !== "failed"
    ? undefined
    : `Once the hook ${state.hook.name} passes, or after serin resume, ${then}.`;
}

function requested(s: Situation): string | undefined {
  const request = rollbackRequest(s);
  return request.kind !== "failed"
    ? undefined
    : `Without the request of the hook ${request.hook.name} it would not have been rolled back.`;
}

function pods(count: number): string {
  return count === 1 ? "pod" : "pods";
}

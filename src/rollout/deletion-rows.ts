import type { Problem } from "#base";
import type { Command } from "./decision.ts";
import { alert, event, type Row, standing, step } from "./draft.ts";
import { hasFinalizer } from "./finalizer.ts";
import { judgeReadiness, type Readiness } from "./readiness.ts";
import type { RolloutSettings } from "./settings.ts";
import { type Basics, isRunning } from "./situation.ts";
import { parseTime } from "./status.ts";

/** The situation before it is known whether there are settings and a target. */
export interface EarlySituation extends Basics {
  readonly settings: RolloutSettings | undefined;
  readonly specProblems: readonly Problem[];
}

/** What a Canary whose spec cannot be read is given. Source: flagger-spec 1.1, 1.3. */
const DEFAULT_DEADLINE_MS = 600_000;
const DEFAULT_INTERVAL_MS = 60_000;

const isDeleted = ({ canary }: EarlySituation): boolean => canary.metadata.deletionTimestamp !== undefined;
/** Whether the traffic is to be handed back to the target before the Canary goes. */
const isReverting = (s: EarlySituation): boolean =>
  isDeleted(s) && hasFinalizer(s.canary) && s.canary.spec?.revertOnDeletion === true;

/**
 * Deletion with `revertOnDeletion`: the target gets pods, and only when they are ready the traffic; until then users stay
 * with the primary, however long it takes. Source: flagger-spec 2.10.
 */
export const deletionRows: readonly Row<EarlySituation>[] = [
  {
    label: "terminate-target-gone",
    when: (s) => isReverting(s) && s.observation.target === undefined,
    then: (s) => ({
      sentence: `The target ${s.names.targetRef} is gone, so there is nothing to hand the traffic back to.`,
      commands: [
        event("Warning", `Terminated canary ${s.names.canaryRef}: the target ${s.names.targetRef} does not exist`),
        { kind: "remove-finalizer" },
      ],
    }),
  },
  {
    label: "terminate",
    when: (s) => isReverting(s) && s.status.phase !== "Terminating",
    // any → Terminating
    then: (s) => ({
      sentence: `${s.names.canaryRef} is being deleted; the target gets the pods to take over from the primary.`,
      status: step(s, {
        phase: "Terminating",
        canaryWeight: keepsWeight(s) ? s.status.canaryWeight : 0,
        iterations: 0,
      }),
      commands: [
        event("Normal", `Terminating canary ${s.names.canaryRef}`),
        // What was on trial serves nobody until it serves all.
        ...(keepsWeight(s) ? [] : [{ kind: "set-routes", canaryWeight: 0, isMirrored: false } as const]),
        ...scaleUp(s),
      ],
      wakeAtMs: s.nowMs,
    }),
  },
  {
    label: "terminate-done",
    when: (s) => isReverting(s) && readinessOf(s).kind === "ready",
    then: (s) => ({
      sentence: `The target ${s.names.targetRef} is ready; traffic and routes are handed back to it.`,
      commands: [
        { kind: "restore-apex" },
        { kind: "restore-routes" },
        event("Normal", `Terminated canary ${s.names.canaryRef}`),
        { kind: "remove-finalizer" },
      ],
    }),
  },
  {
    label: "terminate-stuck",
    when: (s) => isReverting(s) && isLate(s),
    then: (s) => {
      const message = `canary not ready during finalizing: ${reasonOf(s)}`;
      const sentence = `${s.names.canaryRef} cannot be deleted, users stay with the primary: ${message}`;
      return {
        sentence,
        commands: [
          ...scaleUp(s),
          standing("Warning", sentence),
          alert("error", `Deletion waits, users stay with the primary: ${message}`, {
            isStanding: true,
            reason: sentence,
          }),
        ],
        wakeAtMs: s.nowMs + intervalMs(s),
      };
    },
  },
  {
    label: "terminate-wait",
    when: isReverting,
    then: (s) => ({
      sentence: `Waiting for the target before it takes over from the primary: ${reasonOf(s)}`,
      commands: [...scaleUp(s), standing("Warning", `canary not ready during finalizing: ${reasonOf(s)}`)],
      wakeAtMs: s.nowMs + intervalMs(s),
    }),
  },
  {
    label: "deleting",
    when: isDeleted,
    then: (s) => ({
      sentence: "The Canary is being deleted; its objects go with it.",
      commands: hasFinalizer(s.canary) ? [{ kind: "remove-finalizer" }] : [],
    }),
  },
];

/** After a failed promotion only the canary can serve; nothing is moved away from it. */
function keepsWeight(s: EarlySituation): boolean {
  return !isRunning(s.status.phase) || s.status.canaryWeight === 0 || (s.observation.primary?.readyCount ?? 0) === 0;
}

/** Once up to the primary's size; an autoscaler of the target may find another one afterwards. */
function scaleUp({ observation, status }: EarlySituation): Command[] {
  const { target, primary } = observation;
  if (target === undefined || target.kind === "Service") return [];
  const wanted = Math.max(1, primary?.desiredCount ?? 1);
  const isFirst = status.phase !== "Terminating";
  if (target.desiredCount > 0 && !(isFirst && target.desiredCount < wanted)) return [];
  return [{ kind: "scale-target", replicaCount: wanted }];
}

function readinessOf(s: EarlySituation): Readiness {
  const { target } = s.observation;
  if (target === undefined) return { kind: "waiting", reason: "it does not exist" };
  return judgeReadiness(target, {
    readyPercent: s.settings?.canaryReadyPercent ?? 100,
    deadlineMs: deadlineMs(s),
    stepSinceMs: parseTime(s.status.lastTransitionTime) ?? 0,
    nowMs: s.nowMs,
  });
}

function isLate(s: EarlySituation): boolean {
  const sinceMs = parseTime(s.status.lastTransitionTime) ?? s.nowMs;
  return readinessOf(s).kind === "stuck" || s.nowMs >= sinceMs + deadlineMs(s);
}

function reasonOf(s: EarlySituation): string {
  const readiness = readinessOf(s);
  return readiness.kind === "ready" ? "" : readiness.reason;
}

function deadlineMs({ settings }: EarlySituation): number {
  return settings?.progressDeadlineMs ?? DEFAULT_DEADLINE_MS;
}

function intervalMs({ settings }: EarlySituation): number {
  return settings?.intervalMs ?? DEFAULT_INTERVAL_MS;
}

import type { ScaledObjectCondition } from "#api";
import { assert } from "#base";
import type { ReplicaBounds } from "./replica-bounds.ts";

/** What one evaluation of a ScaledObject found. */
export interface ScaleInput {
  /** `spec.replicas` of the target; undefined when it could not be read. */
  readonly current: number | undefined;
  readonly bounds: ReplicaBounds;
  readonly isPaused: boolean;
  readonly isScaleInPaused: boolean;
  readonly isScaleOutPaused: boolean;
  /** Whether there is work, by the triggers or by the annotation that says so. */
  readonly isActive: boolean;
  /** Whether a trigger could not be read and is not in fallback. */
  readonly hasError: boolean;
  readonly hasFallback: boolean;
  /** Whether it has been inactive for long enough to be scaled to nothing. */
  readonly isCooledDown: boolean;
}

/** What to do about it. */
export interface ScaleDecision {
  readonly row: ScaleRow;
  /** Size to write; absent to leave it. */
  readonly replicas: number | undefined;
  /** Which way the write goes, for events; absent when it is neither start nor end of work. */
  readonly transition: "activate" | "deactivate" | undefined;
  readonly conditions: readonly ScaledObjectCondition[];
  /** Whether `status.lastActiveTime` becomes now. */
  readonly isWorkSeen: boolean;
}

/** The rows, in the order in which they are tried. */
export type ScaleRow = (typeof scaleRows)[number]["name"];

interface Row {
  readonly name: string;
  readonly when: (input: ScaleInput) => boolean;
  readonly then: (input: ScaleInput) => Partial<Omit<ScaleDecision, "row">>;
}

/** The evaluation in numbers: what of it the rows about sizes ask. */
const currentOf = (input: ScaleInput): number => input.current ?? 1;

/** With an idle size, anything below the least size still waits for its start. */
const isAsleep = (input: ScaleInput): boolean =>
  currentOf(input) === 0 || (input.bounds.idle !== undefined && currentOf(input) < input.bounds.min);

const couldSleep = ({ bounds, ...input }: ScaleInput): boolean =>
  bounds.idle === undefined
    ? bounds.min === 0 && currentOf({ bounds, ...input }) > 0
    : currentOf({ bounds, ...input }) > bounds.idle;

const ready: ScaledObjectCondition = {
  type: "Ready",
  status: "True",
  reason: "ScaledObjectReady",
  message: "its triggers can be read and its target can be scaled",
};
const active: ScaledObjectCondition = {
  type: "Active",
  status: "True",
  reason: "ScalerActive",
  message: "at least one trigger is active",
};
const inactive: ScaledObjectCondition = {
  type: "Active",
  status: "False",
  reason: "ScalerNotActive",
  message: "no trigger is active",
};
const partialError: ScaledObjectCondition = {
  type: "Ready",
  status: "Unknown",
  reason: "PartialTriggerError",
  message: "some triggers cannot be read, others are active",
};

/** Work is there: what it says about the readiness and the time of the last work is the same for all sizes. */
const work = ({ hasError }: ScaleInput) => ({
  conditions: [active, hasError ? partialError : ready],
  isWorkSeen: true,
});

/**
 * The decision of one evaluation as an ordered table: the first row that applies decides. Source: keda-hpa-spec 7.
 *
 * Three rows differ from KEDA. An error with `fallback.replicas: 0` waits for the fallback instead of scaling to nothing at
 * once (`wait-for-fallback`); the time of the last work is kept while some triggers err (`work-with-errors`) and while the
 * start is paused (`start-held`), so that the cooldown is counted from the last work that was seen.
 */
const scaleRows = [
  {
    name: "target-unreadable",
    when: ({ current }) => current === undefined,
    then: () => ({
      conditions: [
        {
          type: "Ready",
          status: "False",
          reason: "ErrorGettingCurrentReplicas",
          message: "the current size of the target cannot be read",
        },
      ],
    }),
  },
  { name: "paused", when: ({ isPaused }) => isPaused, then: () => ({}) },
  {
    name: "start-held",
    when: (input) => input.isActive && isAsleep(input) && input.isScaleOutPaused,
    then: work,
  },
  {
    name: "start",
    when: (input) => input.isActive && isAsleep(input),
    then: (input) => ({ ...work(input), replicas: input.bounds.activeMin, transition: "activate" }),
  },
  { name: "work-with-errors", when: ({ isActive, hasError }) => isActive && hasError, then: work },
  { name: "work", when: ({ isActive }) => isActive, then: work },
  {
    name: "wait-for-fallback",
    when: ({ hasError, hasFallback }) => hasError && hasFallback,
    then: () => ({ conditions: [inactive] }),
  },
  {
    name: "error",
    when: ({ hasError }) => hasError,
    then: () => ({
      conditions: [
        inactive,
        { type: "Ready", status: "False", reason: "TriggerError", message: "triggers cannot be read, see the events" },
      ],
    }),
  },
  {
    name: "sleep-held",
    when: (input) => couldSleep(input) && input.isScaleInPaused,
    then: () => ({ conditions: [inactive, ready] }),
  },
  {
    name: "cooling",
    when: (input) => couldSleep(input) && !input.isCooledDown,
    then: () => ({
      conditions: [
        { ...inactive, reason: "ScalerCooldown", message: "no trigger is active, the cooldown has not passed yet" },
        ready,
      ],
    }),
  },
  {
    name: "sleep",
    when: couldSleep,
    then: ({ bounds }) => ({
      conditions: [inactive, ready],
      replicas: bounds.idle ?? bounds.min,
      transition: "deactivate",
    }),
  },
  {
    name: "raise-to-min",
    when: (input) => input.bounds.idle === undefined && currentOf(input) < input.bounds.min,
    then: ({ bounds }) => ({ conditions: [inactive, ready], replicas: bounds.min }),
  },
  { name: "rest", when: () => true, then: () => ({ conditions: [inactive, ready] }) },
] as const satisfies readonly Row[];

/** Decides what one evaluation does to the target. */
export function decideScale(input: ScaleInput): ScaleDecision {
  const row = scaleRows.find(({ when }) => when(input));
  assert(row !== undefined, "the last row of the table applies to everything");
  const none = { replicas: undefined, transition: undefined, conditions: [], isWorkSeen: false };
  return { ...none, ...row.then(input), row: row.name };
}

/**
 * Whether it may go to nothing: the cooldown counts from the last work, or, when there was none yet, the initial one from the
 * ScaledObject's creation. Source: keda-hpa-spec 7.
 */
export function isCooledDown(of: {
  readonly lastActiveMs: number | undefined;
  readonly createdMs: number;
  readonly cooldownMs: number;
  readonly initialCooldownMs: number;
  readonly nowMs: number;
}): boolean {
  if (of.lastActiveMs === undefined) return of.nowMs > of.createdMs + of.initialCooldownMs;
  return of.nowMs > of.lastActiveMs + of.cooldownMs;
}

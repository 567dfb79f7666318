import type { Canary, CanaryStatus } from "#api";
import { assert, deepEqual, once } from "#base";
import { bootstrapRows } from "./bootstrap-rows.ts";
import { withCapacity } from "./capacity.ts";
import { checkRows, waitRows } from "./check-rows.ts";
import type { Decision, Explanation, Label } from "./decision.ts";
import type { Draft, Row } from "./draft.ts";
import { finish } from "./finish.ts";
import { guardRows, withdrawRow } from "./guard-rows.ts";
import { blockedRow, holdRows, shortcutRows } from "./hold-rows.ts";
import { abortRow, promoteAskedRow } from "./intent-rows.ts";
import { judgeIntent } from "./judge-intent.ts";
import { withTrial } from "./judge-trial.ts";
import { namesOf } from "./names.ts";
import type { Observation } from "./observation.ts";
import { preliminaryRows } from "./preliminary-rows.ts";
import { promotionRows } from "./promotion-rows.ts";
import { sequentialEndRows, sequentialHoldRows } from "./sequential-rows.ts";
import { readSettings, type SettingsLimits } from "./settings.ts";
import { type Basics, type Situation, situationOf } from "./situation.ts";
import { completeStatus, withoutCondition, ACCEPTED } from "./status.ts";
import { steadyRows } from "./steady-rows.ts";
import { stepRows } from "./step-rows.ts";

/** A phase that neither Flagger nor Serin works in: wait for what wrote it. */
const unknownPhase: Row<Situation> = {
  label: "unknown-phase",
  when: () => true,
  then: (s) => ({ sentence: `Nothing is done in phase ${s.status.phase}.` }),
};

/** The transition table: the first row that applies decides. Rows of different phases never compete. */
const rows: readonly Row<Situation>[] = [
  abortRow,
  withdrawRow,
  blockedRow,
  ...bootstrapRows,
  ...steadyRows,
  ...guardRows,
  promoteAskedRow,
  ...shortcutRows,
  ...waitRows,
  ...sequentialEndRows,
  ...checkRows,
  ...sequentialHoldRows,
  ...holdRows,
  ...stepRows,
  ...promotionRows,
  unknownPhase,
];

/** Every label in the order of the table, for the test that each is named by a test. */
export const labels: readonly Label[] = [...new Set([...preliminaryRows, ...rows].map((row) => row.label))];

/**
 * Decides what to do about a Canary: pure, total, deterministic.
 *
 * When hooks or metrics must be asked first, the decision holds questions and nothing else; add the answers to the
 * observation and decide again (at most {@link MAX_ROUNDS} times). Otherwise perform the commands in order, then record
 * the status. Every command is idempotent and none depends on an earlier one having just been done, so a crash between
 * any two of them and a new decision end in the same place.
 */
export function decide(canary: Canary, observation: Observation, now: { nowMs: number } & SettingsLimits): Decision {
  const names = namesOf(canary);
  // What stands in the way is found anew at each look.
  const status = withoutCondition(completeStatus(canary.status), ACCEPTED);
  const { nowMs } = now;
  const basics: Basics = { canary, names, status, observation, nowMs };
  const settings = readSettings(canary, now);
  const specProblems = settings.ok ? [] : settings.error;
  const early = {
    canary,
    names,
    status,
    observation,
    nowMs,
    settings: settings.ok ? settings.value : undefined,
    specProblems,
  };
  const preliminary = preliminaryRows.find((row) => row.when(early));
  if (preliminary !== undefined) return decisionOf(basics, preliminary.label, preliminary.then(early));
  assert(settings.ok && observation.target !== undefined, "the preliminary rows catch a bad spec and a missing target");
  const known = situationOf(basics, { settings: settings.value, target: observation.target });
  const situation = withTrial(withCapacity({ ...known, asked: judgeIntent(known) }));
  const row = rows.find((candidate) => candidate.when(situation)) ?? unknownPhase;
  return decisionOf(situation, row.label, finish(situation, row.label, row.then(situation)));
}

/** Upper bound of rounds of questions: one for each hook, one for the metrics, and the final decision. */
export const MAX_ROUNDS = 128;

/**
 * A decision that is explained when somebody reads it: what is told of a tick takes longer than the tick, and a simulation reads
 * little of it. A class, as a getter in an object literal gives each object a shape of its own, which V8 keeps with all it refers to.
 */
class Decided implements Decision {
  readonly label: Label;
  readonly status: CanaryStatus;
  readonly commands: Decision["commands"];
  readonly questions: Decision["questions"];
  readonly isTick: boolean;
  readonly wakeAtMs: number | undefined;
  readonly #explain: () => Explanation;

  constructor(label: Label, draft: Draft, of: { readonly status: CanaryStatus; readonly explain: () => Explanation }) {
    this.label = label;
    this.status = of.status;
    this.commands = draft.commands ?? [];
    this.questions = draft.questions ?? [];
    this.isTick = draft.isTick ?? false;
    this.wakeAtMs = draft.wakeAtMs;
    this.#explain = once(of.explain);
  }

  get explanation(): Explanation {
    return this.#explain();
  }
}

function decisionOf(
  basics: Basics & { readonly capacity?: Situation["capacity"] },
  label: Label,
  draft: Draft,
): Decision {
  const { capacity } = basics;
  const before = completeStatus(basics.canary.status);
  const after = draft.status ?? basics.status;
  const { sentence } = draft;
  const explain = (): Explanation => ({
    sentence: typeof sentence === "string" ? sentence : sentence(),
    fromPhase: before.phase,
    toPhase: after.phase,
    fromWeight: before.canaryWeight,
    toWeight: after.canaryWeight,
    checks: draft.checks ?? [],
    ...(capacity === undefined ? {} : { capacity }),
    ...(draft.evidence === undefined ? {} : { evidence: draft.evidence() }),
    ...(draft.otherwise === undefined ? {} : { otherwise: draft.otherwise }),
  });
  return new Decided(label, draft, { status: deepEqual(before, after) ? before : after, explain });
}

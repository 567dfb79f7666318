import type { Canary, CanaryPhase } from "#api";
import { INTENT_ANNOTATION, type Intent, type IntentAction, PAUSE_ANNOTATION, readIntent, readPause } from "#rollout";

/**
 * What a person's wish comes to on a Canary as it stands: a change of its annotations, nothing because it is so already,
 * or a refusal. Pure; what is said here is all that the person is told.
 */

/** What a person can ask for. */
export type Wish = IntentAction | "pause";

export interface Asked {
  readonly wish: Wish;
  readonly by: string;
  readonly why: string;
  /** RFC 3339. */
  readonly at: string;
  /** Template hash that the wish is about; the one of `status.lastAppliedSpec` when absent. */
  readonly revision?: string;
  /** The target's template is back already, so that an undo fits a release that it has started. */
  readonly isTemplateBack?: boolean;
}

export type IntentPlan =
  | { readonly kind: "refuse"; readonly message: string }
  /** It is so already, or is on its way. */
  | { readonly kind: "nothing"; readonly message: string }
  /** Null takes an annotation away. */
  | { readonly kind: "write"; readonly annotations: Readonly<Record<string, string | null>>; readonly message: string };

/** Sentences after "Will", by phase; a phase without one refuses the wish. `{name}` is the Canary's. */
const effects: Readonly<Record<Exclude<IntentAction, "resume">, Readonly<Partial<Record<CanaryPhase, string>>>>> = {
  promote: {
    Waiting: "start the release of {name} without its approval and promote it as soon as its pods are ready",
    Progressing: "promote {name} as soon as its pods are ready, without the steps, gates and checks that are left",
    WaitingPromotion: "promote {name} as soon as its pods are ready, without its approval",
  },
  skip: {
    Waiting: "start the release of {name} without its approval",
    Progressing: "take the next step of {name} now, without its gate and checks",
    WaitingPromotion: "promote {name} without its approval",
  },
  abort: {
    Waiting: "roll {name} back: the revision that waits for approval is rejected",
    Progressing: "roll {name} back: traffic goes to the primary, then the canary's pods go",
    WaitingPromotion: "roll {name} back: traffic goes to the primary, then the canary's pods go",
  },
  retry: { Failed: "release the rejected revision of {name} once more, from the first step" },
  undo: {
    Initialized: "promote the earlier revision of {name} again, without an analysis",
    Succeeded: "promote the earlier revision of {name} again, without an analysis",
    Failed: "promote the earlier revision of {name} again, without an analysis",
    Promoting: "promote the earlier revision of {name} again, as soon as the promotion under way has ended",
    Finalising: "promote the earlier revision of {name} again, as soon as the promotion under way has ended",
  },
};

/** Phases in which a release is under way. */
const RUNNING: readonly CanaryPhase[] = ["Waiting", "Progressing", "WaitingPromotion", "Promoting", "Finalising"];

/** Plans one wish. */
export function planIntent(canary: Canary, asked: Asked): IntentPlan {
  if (canary.metadata.deletionTimestamp !== undefined) return refuse(canary, asked.wish, "it is being deleted");
  if (asked.wish === "pause") return planPause(canary, asked);
  if (asked.wish === "resume") return planResume(canary, asked);
  const phase = phaseOf(canary);
  const effect = asked.isTemplateBack === true ? effects.undo.Succeeded : effects[asked.wish][phase];
  if (effect === undefined) return unfit(canary, asked.wish, phase);
  return writeIntent(canary, { ...asked, wish: asked.wish, effect });
}

function planPause(canary: Canary, { by, why, at }: Asked): IntentPlan {
  const standing = readPause(canary);
  if (standing !== undefined)
    return { kind: "nothing", message: `${nameOf(canary)} is paused already${attribution(standing)}.` };
  const what = isRunning(canary)
    ? `hold the release of ${nameOf(canary)} where it is`
    : `hold the next release of ${nameOf(canary)} before its first step`;
  return {
    kind: "write",
    annotations: { [PAUSE_ANNOTATION]: JSON.stringify({ by, why, at }) },
    message: `Will ${what}, until serin resume (${stateOf(canary)}).`,
  };
}

function planResume(canary: Canary, asked: Asked): IntentPlan {
  const isPaused = readPause(canary) !== undefined;
  const phase = phaseOf(canary);
  const gates = gatesOf(canary);
  const pauseEnds = { [PAUSE_ANNOTATION]: null };
  // What was asked for during the pause is done after it, and must not be replaced.
  if (isPaused && (gates.length === 0 || readIntent(canary) !== undefined)) {
    const what = isRunning(canary)
      ? `go on with ${nameOf(canary)} where it is`
      : `let the next release of ${nameOf(canary)} start`;
    return { kind: "write", annotations: pauseEnds, message: `Will ${what} (phase ${phase}).` };
  }
  if (gates.length === 0)
    return refuse(
      canary,
      "resume",
      `it is not paused and no gate is waited for (phase ${phase === "" ? "none" : phase})`,
    );
  const effect = `go on with {name} where it is, past its ${gates.join(" and ")} gate`;
  const plan = writeIntent(canary, { ...asked, wish: "resume", effect });
  return plan.kind === "write" && isPaused ? { ...plan, annotations: { ...plan.annotations, ...pauseEnds } } : plan;
}

/** Gates that the phase may be waiting at. Source: flagger-spec 6.1. */
function gatesOf(canary: Canary): string[] {
  const phase = phaseOf(canary);
  const isAnalysing = phase === "Progressing" || phase === "WaitingPromotion";
  const types = (canary.spec.analysis.webhooks ?? []).map(({ type }) => type ?? "");
  return ["confirm-rollout", "confirm-traffic-increase", "confirm-promotion"].filter(
    (gate) => types.some((type) => type === gate) && (gate === "confirm-rollout" ? phase === "Waiting" : isAnalysing),
  );
}

function writeIntent(
  canary: Canary,
  asked: Asked & { readonly wish: IntentAction; readonly effect: string },
): IntentPlan {
  const { wish: action, by, why, at } = asked;
  const revision = asked.revision ?? canary.status?.lastAppliedSpec ?? "";
  const standing = readIntent(canary);
  const isRead = standing !== undefined && typeof standing !== "string";
  if (isRead && standing.action === action && (standing.revision ?? "") === revision)
    return { kind: "nothing", message: `${action} of ${nameOf(canary)} is asked for already${attribution(standing)}.` };
  const intent: Intent = { action, by, why, at, ...(revision === "" ? {} : { revision }) };
  const replaced = isRead ? `; replaces ${standing.action}${attribution(standing)}` : "";
  const isHeld = readPause(canary) !== undefined && action !== "abort" && action !== "resume";
  const held = isHeld ? "; it is paused, so this waits for serin resume" : "";
  const effect = asked.effect.replace("{name}", nameOf(canary));
  return {
    kind: "write",
    annotations: { [INTENT_ANNOTATION]: JSON.stringify(intent) },
    message: `Will ${effect} (${stateOf(canary)}${held}${replaced}).`,
  };
}

/** Why a wish does not fit a phase. */
function unfit(canary: Canary, wish: Exclude<Wish, "pause" | "resume">, phase: CanaryPhase): IntentPlan {
  const at = `(phase ${phase === "" ? "none" : phase})`;
  if (phase === "" || phase === "Initializing") return refuse(canary, wish, `it is not initialized yet ${at}`);
  if (wish === "retry") return refuse(canary, wish, `its revision was not rejected ${at}`);
  if (wish === "undo") return refuse(canary, wish, `a release is under way ${at}; end it with serin abort`);
  if ((phase === "Promoting" || phase === "Finalising") && wish === "abort")
    return refuse(canary, wish, `the primary has the revision already ${at}; go back with serin undo`);
  if (phase === "Promoting" || phase === "Finalising")
    return { kind: "nothing", message: `${nameOf(canary)} is being promoted already ${at}.` };
  return refuse(canary, wish, `nothing is being released ${at}`);
}

function refuse(canary: Canary, wish: Wish, reason: string): IntentPlan {
  return { kind: "refuse", message: `Cannot ${wish} ${nameOf(canary)}: ${reason}` };
}

function attribution({ by, why, at }: { readonly by: string; readonly why: string; readonly at: string }): string {
  const reason = why === "" ? "" : `: ${why}`;
  return `${by === "" ? "" : ` by ${by}`}${at === "" ? "" : ` at ${at}`}${reason}`;
}

function stateOf(canary: Canary): string {
  const phase = phaseOf(canary);
  const weight = phase === "Progressing" ? `, weight ${canary.status?.canaryWeight ?? 0}%` : "";
  const suspended = canary.spec.suspend === true ? "; spec.suspend is true, so nothing happens until it is false" : "";
  return `phase ${phase === "" ? "none" : phase}${weight}${suspended}`;
}

/** Whether a release is under way. */
export function isRunning(canary: Canary): boolean {
  return RUNNING.includes(phaseOf(canary));
}

function phaseOf(canary: Canary): CanaryPhase {
  return canary.status?.phase ?? "";
}

/** `"namespace/name"`, as messages write it. */
export function nameOf(canary: Canary): string {
  return `"${canary.metadata.namespace ?? ""}/${canary.metadata.name ?? ""}"`;
}

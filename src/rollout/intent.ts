import type { Canary } from "#api";
import { isObject } from "#base";

/**
 * What people ask of a release, written on the Canary as annotations, so that it survives restarts and needs no webhook.
 *
 * A pause lasts until its annotation goes. Every other intent is done once: it is about one revision, is older than what
 * answers it, and the operator removes it when nothing is left to do.
 */

/** Holds a {@link Pause} as JSON. */
export const PAUSE_ANNOTATION = "serin.dev/pause";
/** Holds an {@link Intent} as JSON. */
export const INTENT_ANNOTATION = "serin.dev/intent";

export const intentActions = ["abort", "promote", "skip", "resume", "retry", "undo"] as const;

/**
 * `abort`: roll back now. `promote`: promote as soon as the pods are ready, whatever steps, gates and checks are left.
 * `skip`: take the next step now, without its gate and checks. `resume`: go on where a gate is waited for.
 * `retry`: release a rejected revision once more. `undo`: the target went back to an earlier revision that was promoted
 * before, so it is promoted again without an analysis.
 */
export type IntentAction = (typeof intentActions)[number];

export interface Pause {
  /** Who asked. */
  readonly by: string;
  readonly why: string;
  /** RFC 3339. */
  readonly at: string;
}

export interface Intent extends Pause {
  readonly action: IntentAction;
  /** Template hash that it is about (`status.lastAppliedSpec` when it was written); any when absent. */
  readonly revision?: string;
}

/** What stands of an intent in a situation. */
export type IntentState =
  | { readonly kind: "none" }
  /** To be done as soon as it can be. */
  | { readonly kind: "standing"; readonly intent: Intent }
  /** Kept for later: what it needs is not there yet. */
  | { readonly kind: "pending"; readonly notice?: string; readonly untilMs?: number }
  /** Done, or never to be done: to be removed. */
  | { readonly kind: "spent"; readonly notice?: string };

/** The intent that stands on the Canary; undefined when there is none, a message when it cannot be read. */
export function readIntent(canary: Canary): Intent | string | undefined {
  const value = readAnnotation(canary, INTENT_ANNOTATION);
  if (value === undefined || typeof value === "string") return value;
  const action = intentActions.find((known) => known === value.action);
  if (action === undefined)
    return `annotation ${INTENT_ANNOTATION}: action must be one of ${intentActions.join(", ")}, received ${JSON.stringify(value.action)}`;
  return {
    ...pauseOf(value),
    action,
    ...(typeof value.revision === "string" && value.revision !== "" ? { revision: value.revision } : {}),
  };
}

/** The pause that stands on the Canary, read as {@link readIntent} does. Any text holds, since holding is safe. */
export function readPause(canary: Canary): Pause | undefined {
  const value = readAnnotation(canary, PAUSE_ANNOTATION);
  if (value === undefined) return undefined;
  return typeof value === "string" ? { by: "", why: "", at: "" } : pauseOf(value);
}

function readAnnotation(canary: Canary, name: string): Record<string, unknown> | string | undefined {
  const annotations = canary.metadata.annotations ?? {};
  const text = Object.hasOwn(annotations, name) ? annotations[name] : undefined;
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch {
    // Told below.
  }
  return `annotation ${name}: must be a JSON object with action, by, why and at; write it with the serin command`;
}

/** Who asks for what and why, in one line; also the identity under which the status remembers that it was done. */
export function intentRecord(intent: Intent): string {
  return `${intent.action} asked for by ${whoAndWhy(intent)}${intent.at === "" ? "" : ` (${intent.at})`}`;
}

/** `ann: pages`. */
export function whoAndWhy({ by, why }: Pause): string {
  return `${by === "" ? "somebody" : by}${why === "" ? "" : `: ${why}`}`;
}

const MAX_TEXT_LENGTH = 200;

function pauseOf(value: Readonly<Record<string, unknown>>): Pause {
  const text = (field: string): string => {
    const found = value[field];
    return typeof found === "string" ? found.slice(0, MAX_TEXT_LENGTH) : "";
  };
  return { by: text("by"), why: text("why"), at: text("at") };
}

import type { Canary } from "#api";
import { readIntent, readPause } from "#rollout";
import { isRunning, nameOf, type Wish } from "./plan-intent.ts";

/** How far a wish has come. */
export type Effect =
  | { readonly kind: "pending" }
  | { readonly kind: "done"; readonly message: string }
  /** It will not come any more. */
  | { readonly kind: "failed"; readonly message: string };

const PENDING: Effect = { kind: "pending" };

/**
 * Reads from a Canary whether a wish about a revision has taken effect.
 *
 * The operator takes an intent away when it is done or can no longer be done, before or after it writes the status; so
 * what ends in a phase is judged by the phase alone.
 */
export function effectOf(canary: Canary, wish: Wish, revision: string | undefined): Effect {
  const { phase = "", lastAppliedSpec, lastPromotedSpec } = canary.status ?? {};
  const name = nameOf(canary);
  const standing = readIntent(canary);
  const isStanding = typeof standing === "object" && standing.action === wish;
  const isOther = revision !== undefined && lastAppliedSpec !== undefined && lastAppliedSpec !== revision;
  switch (wish) {
    case "pause":
      return readPause(canary) === undefined ? PENDING : { kind: "done", message: `${name} is paused.` };
    case "skip":
    case "resume":
      if (isStanding || readPause(canary) !== undefined) return PENDING;
      return { kind: "done", message: `${wish} of ${name} is done (phase ${phase}).` };
    case "retry":
      if (isStanding || phase === "Failed") return PENDING;
      return { kind: "done", message: `${name} is released again (phase ${phase}).` };
    case "abort":
      if (phase === "Failed") return { kind: "done", message: `${name} is rolled back.` };
      if (isRunning(canary) && !isOther) return PENDING;
      return { kind: "failed", message: `${name} was not rolled back (phase ${phase}).` };
    case "promote":
    case "undo":
      if (wish === "promote" && isOther)
        return {
          kind: "failed",
          message: `${name} was not promoted: another revision came meanwhile (phase ${phase}).`,
        };
      if (isRunning(canary)) return PENDING;
      if (lastPromotedSpec === revision && phase !== "Failed") return { kind: "done", message: `${name} is promoted.` };
      // Before the operator has seen an undo, the status is about the release before it.
      if (wish === "undo" && (isOther || isStanding)) return PENDING;
      return { kind: "failed", message: `${name} was not promoted (phase ${phase}).` };
  }
}

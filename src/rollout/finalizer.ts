import type { Canary } from "#api";
import type { Command } from "./decision.ts";

/** Flagger's own, so that its Canaries are handed back by Serin too. Source: flagger-spec 2.10. */
export const FINALIZER = "finalizer.flagger.app";

/** Whether the deletion of this Canary waits for us. */
export function hasFinalizer(canary: Canary): boolean {
  return canary.metadata.finalizers?.includes(FINALIZER) === true;
}

/** Brings the finalizer in line with `revertOnDeletion`, while the Canary lives. */
export function finalizerCommands(canary: Canary): readonly Command[] {
  const isWanted = canary.spec.revertOnDeletion === true;
  if (isWanted === hasFinalizer(canary) || canary.metadata.deletionTimestamp !== undefined) return [];
  return [{ kind: isWanted ? "add-finalizer" : "remove-finalizer" }];
}

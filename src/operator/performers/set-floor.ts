import type { Command } from "#rollout";
import type { OperatorContext } from "../operator-context.ts";
import type { Snapshot } from "../reconcilers/index.ts";

/** Holds a copy's autoscaler above a number of pods, or lets it go. */
export async function setFloor(
  _command: Extract<Command, { kind: "set-floor" }>,
  _snapshot: Snapshot,
  _context: OperatorContext,
): Promise<void> {}

import type { Command } from "./decision.ts";
import { standing } from "./draft.ts";
import type { Situation } from "./situation.ts";

/**
 * Turns all traffic to the one copy that has ready pods when the other has none, whatever the row asked for.
 *
 * The weight asked for stays in the status, so traffic returns to it when both copies are ready again.
 */
export function keepServed(s: Situation, commands: readonly Command[]): readonly Command[] {
  if (!s.settings.hasRoutes) return commands;
  return commands.flatMap((command) => {
    if (command.kind !== "set-routes") return [command];
    const canaryWeight = servableWeight(s, command.canaryWeight);
    const isMirrored = command.isMirrored && s.target.readyCount > 0;
    if (canaryWeight === command.canaryWeight) return [{ ...command, isMirrored }];
    const [from, to] = canaryWeight === 0 ? ["canary", "primary"] : ["primary", "canary"];
    // The other requests of an A/B test go to the primary whatever the weight is.
    const what = s.settings.strategy.kind === "ab-testing" ? "The traffic that matches" : "All traffic";
    return [
      { ...command, canaryWeight, isMirrored } as const,
      standing("Warning", `${what} of ${s.names.canaryRef} goes to the ${to}: the ${from} has no ready pod`),
    ];
  });
}

function servableWeight(s: Situation, weight: number): number {
  const primaryCount = s.primary?.readyCount ?? 0;
  const canaryCount = s.target.readyCount;
  if (primaryCount > 0 && canaryCount > 0) return weight;
  if (primaryCount > 0) return 0;
  return canaryCount > 0 ? 100 : weight;
}

import type { Command } from "./decision.ts";
import { standing } from "./draft.ts";
import type { Situation } from "./situation.ts";

/**
 * Turns all traffic to the one copy that has ready pods when the other has none, whatever the row asked for.
 *
 * The weight asked for stays in the status, so traffic returns to it when both copies are ready again.
 */
export function keepServed(s: Situation, commands: readonly Command[]): readonly Command[] {
  return commands.flatMap((command) => {
    if (command.kind !== "set-routes") return [command];
    const canaryWeight = servableWeight(s, command.canaryWeight);
    if (canaryWeight === command.canaryWeight) return [command];
    const [from, to] = canaryWeight === 0 ? ["canary", "primary"] : ["primary", "canary"];
    return [
      { ...command, canaryWeight } as const,
      standing("Warning", `All traffic of ${s.names.canaryRef} goes to the ${to}: the ${from} has no ready pod`),
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

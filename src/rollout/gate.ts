import { gateOf } from "./checks.ts";
import type { Command } from "./decision.ts";
import { type Draft, event } from "./draft.ts";
import type { Situation } from "./situation.ts";

/** Asks the next hook of a gate. */
export function askGate(
  s: Situation,
  type: "confirm-rollout" | "confirm-traffic-increase" | "confirm-promotion",
): Draft {
  const gate = gateOf(s, type);
  return { sentence: `Asking the ${type} hooks.`, questions: gate.kind === "ask" ? gate.questions : [] };
}

/** Events of the gates that were asked and passed in this tick. */
export function passedGates(s: Situation): Command[] {
  const named = [
    ["pre-rollout", "Pre-rollout"],
    ["confirm-traffic-increase", "Confirm-traffic-increase"],
    ["confirm-promotion", "Confirm-promotion"],
  ] as const;
  return named.flatMap(([type, title]) => {
    const gate = gateOf(s, type);
    if (gate.kind !== "passed") return [];
    // Hooks that were not asked in this tick said nothing.
    const asked = gate.hooks.filter((_, index) => s.observation.answers.has(`hook/${type}/${index}`));
    return asked.map((hook) => event("Normal", `${title} check ${hook.name} passed`));
  });
}

import type { Decision } from "./watch.ts";

/** A decision as people read it. */
export interface DecisionLine {
  readonly id: string;
  readonly time: string;
  readonly mark: "decision" | "waiting" | "warning";
  readonly text: string;
}

/** Flagger's words for a copy whose pods are on their way; they come as warnings, once for each number. */
const NOT_READY = /^(?:canary deployment )?(\S+?)\.\S+ not ready: waiting for rollout to finish: (.*)$/;
/** Ours for a step, or a promotion, that waits for pods. */
const NO_CAPACITY = /^Halt \S+ (?:advancement|promotion) waiting for (capacity): (.*)$/;

/** Turns events into lines: a copy that is waited for is no warning, and of its numbers in a row only the latest stands. */
export function decisionLines(decisions: readonly Decision[]): DecisionLine[] {
  const lines: DecisionLine[] = [];
  for (const { id, time, isWarning, message } of decisions) {
    const [, copy, numbers] = NOT_READY.exec(message) ?? NO_CAPACITY.exec(message) ?? [];
    if (copy === undefined || numbers === undefined) {
      lines.push({ id, time, mark: isWarning ? "warning" : "decision", text: message });
      continue;
    }
    const last = lines.at(-1);
    const text = `Waiting for ${copy}: ${numbers}`;
    if (last?.mark === "waiting" && last.text.startsWith(`Waiting for ${copy}:`)) lines.pop();
    lines.push({ id, time, mark: "waiting", text });
  }
  return lines;
}

import type { Canary } from "#api";
import type { FinishedRun } from "./telemetry/index.ts";

/** The strategy as Flagger's counters name it, from the spec alone. Source: flagger-spec 1.3 and 8.1. */
export function strategyLabel({ spec }: Canary): FinishedRun["strategy"] {
  const { iterations = 0, match = [] } = spec?.analysis ?? {};
  if (iterations <= 0) return "canary";
  return match.length > 0 ? "ab-testing" : "blue-green";
}

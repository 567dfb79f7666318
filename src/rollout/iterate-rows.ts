import { factsOf, startEvent } from "./check-rows.ts";
import { event, infrastructure, type Row, step } from "./draft.ts";
import { passedGates } from "./gate.ts";
import { isTimedOut } from "./sequential-rows.ts";
import { isAnalysing, type Situation } from "./situation.ts";

/** Blue/green and A/B tests: a number of checks at one and the same traffic. Source: flagger-spec 2.5.2, 2.5.3. */
export const iterateRows: readonly Row<Situation>[] = [
  {
    label: "iterate",
    when: (s) =>
      isAnalysing(s) &&
      s.settings.strategy.kind !== "weights" &&
      s.status.iterations < iterationCount(s) &&
      !isTimedOut(s),
    then: (s) => {
      const iterations = Math.max(0, s.status.iterations) + 1;
      const { strategy } = s.settings;
      const weight = strategy.kind === "ab-testing" ? 100 : s.weight;
      const isMirrored = strategy.kind === "blue-green" && strategy.isMirrored && weight === 0;
      return {
        sentence: `Check ${iterations} of ${iterationCount(s)} passed with ${whatItGets(weight, isMirrored, s)}.`,
        status: step(s, { phase: "Progressing", canaryWeight: weight, iterations }),
        commands: [
          ...startEvent(s),
          ...passedGates(s),
          ...infrastructure(weight, isMirrored),
          event("Normal", `Advance ${s.names.canaryRef} canary iteration ${iterations}/${iterationCount(s)}`),
        ],
        checks: factsOf(s),
        isTick: true,
        wakeAtMs: s.nowMs + s.settings.intervalMs,
      };
    },
  },
];

/**
 * The cutover of blue/green: all traffic to the canary, for one more check before it is promoted. The canary's readiness
 * was looked at before. Without routes only the check is made.
 */
export const routeCanaryRow: Row<Situation> = {
  label: "route-canary",
  when: (s) => isAnalysing(s) && isCutoverNext(s),
  then: (s) => {
    const { hasRoutes } = s.settings;
    const message = s.isMirroring
      ? "Stop traffic mirroring and route all traffic to canary"
      : "Routing all traffic to canary";
    const canaryWeight = hasRoutes ? 100 : 0;
    return {
      sentence: hasRoutes
        ? "Every check passed: all traffic goes to the canary for one more check."
        : "Every check passed; one more is made before the promotion.",
      status: step(s, { phase: "Progressing", canaryWeight, iterations: iterationCount(s) + 1 }),
      commands: [...passedGates(s), ...infrastructure(canaryWeight), ...(hasRoutes ? [event("Normal", message)] : [])],
      checks: factsOf(s),
      isTick: true,
      wakeAtMs: s.nowMs + s.settings.intervalMs,
    };
  },
};

function isCutoverNext({ settings, status, weight }: Situation): boolean {
  if (settings.strategy.kind !== "blue-green") return false;
  return settings.hasRoutes ? weight < 100 : status.iterations <= settings.strategy.iterationCount;
}

function iterationCount({ settings: { strategy } }: Situation): number {
  return strategy.kind === "weights" ? 0 : strategy.iterationCount;
}

function whatItGets(weight: number, isMirrored: boolean, { settings }: Situation): string {
  if (isMirrored) return "a copy of the requests to the canary";
  if (settings.strategy.kind === "ab-testing") return "the requests that match on the canary";
  return weight === 100 ? "all traffic on the canary" : "no traffic on the canary";
}

import type { CanaryAnalysis } from "#api";
import type { WeightSteps } from "./weights.ts";

/**
 * How traffic comes to the canary. What protects users is the same for all; only a handful of rows look at the kind.
 */
export type Strategy =
  /** More and more of all requests. */
  | {
      readonly kind: "weights";
      readonly steps: WeightSteps;
      /** Weight from which a passed analysis leads to promotion. */
      readonly maxWeight: number;
      /** Whether requests are copied to the canary for one step before the first weight. */
      readonly isMirrored: boolean;
    }
  /** None during a number of checks (or copies of all), then all at once. */
  | { readonly kind: "blue-green"; readonly iterationCount: number; readonly isMirrored: boolean }
  /** All requests that match, during a number of checks. */
  | { readonly kind: "ab-testing"; readonly iterationCount: number };

/** Checks of a blue/green release that asks for weights where none can be had. Source: flagger-spec 2.2, step 24. */
const DEFAULT_ITERATION_COUNT = 10;

/** Chooses the strategy by Flagger's rule. Source: flagger-spec 1.3. */
export function strategyOf(analysis: CanaryAnalysis, provider: string): Strategy {
  const iterationCount = analysis.iterations ?? 0;
  if (provider === "kubernetes")
    return {
      kind: "blue-green",
      iterationCount: iterationCount > 0 ? iterationCount : DEFAULT_ITERATION_COUNT,
      isMirrored: false,
    };
  const isMirrored = analysis.mirror === true;
  if (iterationCount > 0 && hasMatch(analysis)) return { kind: "ab-testing", iterationCount };
  if (iterationCount > 0) return { kind: "blue-green", iterationCount, isMirrored };
  const steps = stepsOf(analysis);
  const maxWeight = steps.kind === "list" ? Math.min(100, steps.weights.at(-1) ?? 100) : analysis.maxWeight || 100;
  return { kind: "weights", steps, maxWeight, isMirrored };
}

/** What the spec asks for and its provider or strategy cannot give, with what is done instead. */
export function noticesOf(analysis: CanaryAnalysis, provider: string): string[] {
  const notices: string[] = [];
  if (provider === "kubernetes") {
    if (hasMatch(analysis))
      notices.push(
        "spec.analysis.match has no effect: the provider kubernetes routes nothing; the release is blue/green",
      );
    if ((analysis.iterations ?? 0) < 1)
      notices.push(
        `spec.analysis.iterations is not set and the provider kubernetes has no weights; ${DEFAULT_ITERATION_COUNT} iterations are made`,
      );
    for (const field of ["mirror", "sessionAffinity"] as const)
      if (analysis[field] !== undefined && analysis[field] !== false)
        notices.push(`spec.analysis.${field} has no effect: the provider kubernetes routes nothing`);
    return notices;
  }
  const { kind } = strategyOf(analysis, provider);
  if (kind === "ab-testing" && analysis.sessionAffinity !== undefined)
    notices.push("spec.analysis.sessionAffinity has no effect in an A/B test: spec.analysis.match chooses the clients");
  if (kind === "ab-testing" && analysis.mirror === true)
    notices.push("spec.analysis.mirror has no effect in an A/B test: the requests that match go to the canary");
  if (analysis.sessionAffinity?.sameSite === "None" && analysis.sessionAffinity.secure !== true)
    notices.push("spec.analysis.sessionAffinity: browsers drop cookies with sameSite None unless secure is true");
  return notices;
}

function hasMatch({ match }: CanaryAnalysis): boolean {
  return (match?.length ?? 0) > 0;
}

function stepsOf(analysis: CanaryAnalysis): WeightSteps {
  if ((analysis.stepWeight ?? 0) > 0) return { kind: "linear", step: analysis.stepWeight ?? 0 };
  return { kind: "list", weights: (analysis.stepWeights ?? []).map((weight) => Math.min(100, weight)) };
}

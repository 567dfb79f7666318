/** The road of weights that a Canary asks for. */
export type WeightSteps =
  | { readonly kind: "linear"; readonly step: number }
  /** Absolute weights, ascending. */
  | { readonly kind: "list"; readonly weights: readonly number[] };

/**
 * The weight after `current`; never above 100.
 *
 * A linear road may overshoot the maximum by less than a step, as Flagger's does. On a list it is the first weight above
 * the current one, so that a list edited during a run goes on from where it is (Flagger jumps to 100).
 * Source: flagger-spec 2.5.1b and 10.2.12.
 */
export function nextWeight(steps: WeightSteps, current: number): number {
  if (steps.kind === "linear") return Math.min(100, current + steps.step);
  return steps.weights.find((weight) => weight > current) ?? 100;
}

/** The canary's weight after one step back to the primary; a step of 0 goes all the way. Source: flagger-spec 2.5.4. */
export function nextPromotionWeight(step: number, current: number): number {
  return step <= 0 ? 0 : Math.max(0, current - step);
}

import { assert } from "#base";

const STEPS_MAX = 100;

/**
 * W₋₁(z): the solution w ≤ −1 of w exp(w) = z, for −1/e ≤ z < 0.
 *
 * Source: NIST DLMF 4.13; Newton's method on w − ln(−w) = … written as u = −w, u − ln u = −ln(−z), which is convex.
 */
export function lambertWLower(z: number): number {
  assert(z < 0 && z >= -Math.exp(-1) - 1e-15, "the lower branch is real between −1/e and 0");
  const target = -Math.log(-z);
  if (target <= 1) return -1;
  // Starting right of the root, each step of a convex function falls towards it.
  let u = target + Math.log(target) + 1;
  for (let step = 0; step < STEPS_MAX; step++) {
    const next = u - (u - Math.log(u) - target) / (1 - 1 / u);
    if (next >= u) return -u;
    u = next;
  }
  return -u;
}

import { assert } from "#base";

const STEPS_MAX = 1000;
const EPSILON = 2 ** -52;

/** The three points that Brent's method keeps: the best guess, the one before, and the other end of the bracket. */
interface Bracket {
  readonly best: Point;
  readonly previous: Point;
  readonly far: Point;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * A root of f between two points of opposite sign, to within the tolerance. On a step function it ends beside the step, at the
 * same place as every other implementation of the method: that is what it is here for.
 *
 * Source: R. Brent, "Algorithms for Minimization without Derivatives" (1973), chapter 4, procedure zero.
 */
export function brentRoot(f: (x: number) => number, ends: readonly [number, number], tolerance: number): number {
  const from = { x: ends[0], y: f(ends[0]) };
  const to = { x: ends[1], y: f(ends[1]) };
  if (from.y === 0) return from.x;
  if (to.y === 0) return to.x;
  assert(from.y * to.y < 0, "the ends of a bracket have opposite signs");
  let { best, previous, far }: Bracket = { best: to, previous: from, far: from };
  for (let step = 0; step < STEPS_MAX; step++) {
    const lastStep = best.x - previous.x;
    if (Math.abs(far.y) < Math.abs(best.y)) [previous, best, far] = [best, far, best];
    const least = 2 * EPSILON * Math.abs(best.x) + tolerance / 2;
    const half = (far.x - best.x) / 2;
    if (Math.abs(half) <= least || best.y === 0) return best.x;
    const tried = nextStep({ best, previous, far }, lastStep, least);
    const move = Math.abs(tried) < least ? Math.sign(tried) * least || -least : tried;
    previous = best;
    best = { x: best.x + move, y: f(best.x + move) };
    if (best.y * far.y > 0) far = previous;
  }
  return best.x;
}

/** An interpolated step where it can be trusted, else half of the bracket. */
function nextStep({ best, previous, far }: Bracket, lastStep: number, least: number): number {
  const half = (far.x - best.x) / 2;
  if (Math.abs(lastStep) < least || Math.abs(previous.y) <= Math.abs(best.y)) return half;
  const width = far.x - best.x;
  const s = best.y / previous.y;
  let p = width * s;
  let q = 1 - s;
  if (previous.x !== far.x) {
    const r = previous.y / far.y;
    const t = best.y / far.y;
    p = s * (width * r * (r - t) - (best.x - previous.x) * (t - 1));
    q = (r - 1) * (t - 1) * (s - 1);
  }
  if (p > 0) q = -q;
  else p = -p;
  const isInside = p < 0.75 * width * q - Math.abs(least * q) / 2 && p < Math.abs((lastStep * q) / 2);
  return isInside ? p / q : half;
}

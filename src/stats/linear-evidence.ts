/**
 * Evidence about every excess rate d at once.
 *
 * The evidence of each alternative is linear in d, so two numbers for each keep all of it: ln e(d) = base + d slope. This is
 * what bounds are read from: the d at which the evidence reaches a level.
 */
export interface LinearEvidence {
  /** By alternative, ln e at d = 0. */
  readonly bases: readonly number[];
  /** By alternative, the change of ln e with d; all of one sign. */
  readonly slopes: readonly number[];
}

/** Halvings of the interval [0, 1]; what remains is below the resolution of a double. */
const BISECTIONS = 60;

export function startLinear(width: number): LinearEvidence {
  const zeros = Array.from({ length: width }, () => 0);
  return { bases: zeros, slopes: zeros };
}

/** Evidence of two intervals, each alternative's multiplied with its own. */
export function addLinear(a: LinearEvidence, b: LinearEvidence): LinearEvidence {
  return { bases: sums(a.bases, b.bases), slopes: sums(a.slopes, b.slopes) };
}

function sums(a: readonly number[], b: readonly number[]): number[] {
  const added: number[] = [];
  for (let index = 0; index < b.length; index++) added.push((a[index] ?? 0) + (b[index] ?? 0));
  return added;
}

/** ln of the mixture's e-value at the excess rate d: the mean of exp(base + d slope), with the largest term factored out. */
export function linearEvidenceAt({ bases, slopes }: LinearEvidence, d: number): number {
  let max = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < bases.length; index++) {
    const log = (bases[index] ?? 0) + d * (slopes[index] ?? 0);
    if (log > max) max = log;
  }
  if (!Number.isFinite(max)) return max - Math.log(bases.length);
  let sum = 0;
  for (let index = 0; index < bases.length; index++)
    sum += Math.exp((bases[index] ?? 0) + d * (slopes[index] ?? 0) - max);
  return max + Math.log(sum) - Math.log(bases.length);
}

/** The smallest d in [0, 1] at which rising evidence reaches `level` nats; 1 when none does. */
export function smallestReaching(evidence: LinearEvidence, level: number): number {
  return bisect((d) => linearEvidenceAt(evidence, d) >= level, crossingOf(evidence, level)).high;
}

/** The largest d in [0, 1] at which falling evidence still reaches `level` nats; 0 when none does. */
export function largestReaching(evidence: LinearEvidence, level: number): number {
  return bisect((d) => linearEvidenceAt(evidence, d) < level, ANYWHERE).low;
}

/** Where a condition turns true: up to `low` it is known to be false, from `high` on to be true. */
interface Crossing {
  readonly low: number;
  readonly high: number;
}

const ANYWHERE: Crossing = { low: 0, high: Number.POSITIVE_INFINITY };

/** Where a condition that is false at 0 and true from some point on turns true. What is known of it is not asked again. */
function bisect(isReached: (d: number) => boolean, known: Crossing): Crossing {
  if (isReached(0)) return { low: 0, high: 0 };
  let low = 0;
  let high = 1;
  for (let step = 0; step < BISECTIONS; step++) {
    const middle = (low + high) / 2;
    // Two doubles with none between them: every further step asks the same again.
    if (middle === low) break;
    if (middle >= known.high || (middle > known.low && isReached(middle))) high = middle;
    else low = middle;
  }
  return { low, high };
}

/** Rising evidence is convex, so from above each step lands nearer; three or four are enough. */
const NEWTON_STEPS_MAX = 20;
/** The step after one of this size is below what rounding leaves. */
const NEWTON_STEP_MIN = 1e-8;
/** What rounding makes of a sum of exponentials, as a share of its largest term: a few units in the last place. */
const ROUNDING = 16 * 2 ** -52;
/** Flatter than this against its steepest alternative, the curve is left to halving. */
const SLOPE_SHARE_MIN = 1e-6;

/**
 * A bracket of where rising evidence reaches the level, narrow enough to spare most of the halving, and wide enough that rounding
 * decides nothing outside of it: with it halving ends at the very same double as without. Source: Newton's method.
 */
function crossingOf(evidence: LinearEvidence, level: number): Crossing {
  const { size, flattest, steepest, firstAt } = extentOf(evidence, level);
  if (!(flattest >= 0 && Number.isFinite(size + steepest))) return ANYWHERE;
  let at = firstAt;
  if (firstAt >= 1) {
    const isOut = linearEvidenceAt(evidence, 1) <= level - 2 * ROUNDING * (size + steepest);
    if (isOut) return { low: 1, high: Number.POSITIVE_INFINITY };
    at = 1;
  }
  for (let step = 0; step < NEWTON_STEPS_MAX; step++) {
    const { value, slope } = tangentAt(evidence, at);
    const next = at - (value - level) / slope;
    if (!(slope >= SLOPE_SHARE_MIN * steepest && next > 0)) return ANYWHERE;
    const isNear = Math.abs(next - at) <= NEWTON_STEP_MIN * at;
    at = next;
    if (!isNear) continue;
    const rounding = ROUNDING * (size + at * steepest);
    const radius = (4 * rounding) / slope;
    const isSure =
      linearEvidenceAt(evidence, at - radius) <= level - 2 * rounding &&
      linearEvidenceAt(evidence, at + radius) >= level + 2 * rounding;
    return isSure ? { low: at - radius, high: at + radius } : ANYWHERE;
  }
  return ANYWHERE;
}

interface Extent {
  /** The largest number that is added up at 0. */
  readonly size: number;
  readonly flattest: number;
  readonly steepest: number;
  /** Where an alternative reaches the level all alone, without help of the others: the mixture does there, too. */
  readonly firstAt: number;
}

function extentOf({ bases, slopes }: LinearEvidence, level: number): Extent {
  let size = 1;
  let flattest = Number.POSITIVE_INFINITY;
  let steepest = Number.NEGATIVE_INFINITY;
  let firstAt = Number.POSITIVE_INFINITY;
  const alone = level + Math.log(bases.length);
  for (let index = 0; index < bases.length; index++) {
    const base = bases[index] ?? 0;
    const slope = slopes[index] ?? 0;
    size = Math.max(size, Math.abs(base));
    flattest = Math.min(flattest, slope);
    steepest = Math.max(steepest, slope);
    firstAt = Math.min(firstAt, (alone - base) / slope);
  }
  return { size: size + Math.abs(level), flattest, steepest, firstAt };
}

/** {@link linearEvidenceAt}, and its derivative: the mean of the slopes, weighed by their terms. */
function tangentAt({ bases, slopes }: LinearEvidence, d: number): { readonly value: number; readonly slope: number } {
  let max = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < bases.length; index++)
    max = Math.max(max, (bases[index] ?? 0) + d * (slopes[index] ?? 0));
  let sum = 0;
  let weighed = 0;
  for (let index = 0; index < bases.length; index++) {
    const slope = slopes[index] ?? 0;
    const term = Math.exp((bases[index] ?? 0) + d * slope - max);
    sum += term;
    weighed += term * slope;
  }
  return { value: max + Math.log(sum) - Math.log(bases.length), slope: weighed / sum };
}

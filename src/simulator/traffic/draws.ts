import type { Random } from "#base";

/**
 * Draws from distributions. All are exact up to the resolution of a double, for counts of any size: where a rare error decides, a
 * normal approximation would be what is measured.
 */

/** Below this mean, counting is faster than rejection, and rejection is not valid. Source: Hörmann (1993), both papers below. */
const REJECTION_MEAN = 10;

/** A standard normal. Source: G. Box and M. Muller, Ann. Math. Statist. 29 (1958). */
export function drawNormal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}

/** A Poisson count. Source: W. Hörmann, "The transformed rejection method for generating Poisson random variables" (1993), PTRS. */
export function drawPoisson(random: Random, mean: number): number {
  if (mean <= 0) return 0;
  if (mean < REJECTION_MEAN) return smallPoisson(random, mean);
  const b = 0.931 + 2.53 * Math.sqrt(mean);
  const a = -0.059 + 0.02483 * b;
  const scale = Math.log(1.1239 + 1.1328 / (b - 3.4));
  const squeeze = 0.9277 - 3.6224 / (b - 2);
  const logMean = Math.log(mean);
  for (;;) {
    const u = random.next() - 0.5;
    const v = random.next();
    const us = 0.5 - Math.abs(u);
    const count = Math.floor(((2 * a) / us + b) * u + mean + 0.43);
    if (us >= 0.07 && v <= squeeze) return count;
    if (count < 0 || v <= 0 || (us < 0.013 && v > us)) continue;
    if (Math.log(v) + scale - Math.log(a / (us * us) + b) <= count * logMean - mean - logFactorial(count)) return count;
  }
}

/** By inversion: one uniform is spent on the terms, from 0 up. */
function smallPoisson(random: Random, mean: number): number {
  let term = Math.exp(-mean);
  let left = random.next() - term;
  let count = 0;
  while (left >= 0 && term > 0) {
    count += 1;
    term *= mean / count;
    left -= term;
  }
  return count;
}

/** Successes of `total` trials. Source: W. Hörmann, "The generation of binomial random variates" (1993), BTRS; inversion for few. */
export function drawBinomial(random: Random, total: number, share: number): number {
  if (total <= 0 || share <= 0) return 0;
  if (share >= 1) return total;
  if (share > 0.5) return total - drawBinomial(random, total, 1 - share);
  return total * share < REJECTION_MEAN ? fewOf(random, total, share) : manyOf(random, total, share);
}

function fewOf(random: Random, total: number, share: number): number {
  const odds = share / (1 - share);
  let term = Math.exp(total * Math.log1p(-share));
  let left = random.next() - term;
  let count = 0;
  while (left >= 0 && count < total) {
    count += 1;
    term *= (odds * (total - count + 1)) / count;
    left -= term;
  }
  return count;
}

function manyOf(random: Random, total: number, share: number): number {
  const spread = Math.sqrt(total * share * (1 - share));
  const b = 1.15 + 2.53 * spread;
  const a = -0.0873 + 0.0248 * b + 0.01 * share;
  const centre = total * share + 0.5;
  const squeeze = 0.92 - 4.2 / b;
  const alpha = (2.83 + 5.1 / b) * spread;
  const logOdds = Math.log(share / (1 - share));
  const mode = Math.floor((total + 1) * share);
  const atMode = logFactorial(mode) + logFactorial(total - mode);
  for (;;) {
    const u = random.next() - 0.5;
    const v = random.next();
    const us = 0.5 - Math.abs(u);
    const count = Math.floor(((2 * a) / us + b) * u + centre);
    if (us >= 0.07 && v <= squeeze) return count;
    if (count < 0 || count > total || v <= 0) continue;
    const level = Math.log((v * alpha) / (a / (us * us) + b));
    if (level <= atMode - logFactorial(count) - logFactorial(total - count) + (count - mode) * logOdds) return count;
  }
}

/** The sum of `count` geometric sizes, each 1 or more with the given mean: events that come in clusters. */
export function drawClusters(random: Random, count: number, meanSize: number): number {
  let sum = count;
  const stay = 1 - 1 / meanSize;
  if (stay <= 0) return sum;
  // A negative binomial is a Poisson whose mean is gamma distributed; for few clusters the sizes themselves are cheaper.
  if (count > 50) return sum + drawPoisson(random, drawGamma(random, count) * (meanSize - 1));
  const logStay = Math.log(stay);
  for (let cluster = 0; cluster < count; cluster += 1) sum += Math.floor(Math.log(1 - random.next()) / logStay);
  return sum;
}

/** A gamma of a shape of 1 or more and scale 1. Source: G. Marsaglia and W. Tsang, ACM Trans. Math. Softw. 26 (2000). */
function drawGamma(random: Random, shape: number): number {
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = drawNormal(random);
    const v = (1 + c * x) ** 3;
    if (v <= 0) continue;
    if (Math.log(1 - random.next()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}

const HALF_LOG_TWO_PI = 0.918_938_533_204_672_8;
const SMALL = [
  0, 0, 0.6931471805599453, 1.791759469228055, 3.1780538303479458, 4.787491742782046, 6.579251212010101,
  8.525161361065415, 10.60460290274525, 12.801827480081469,
];

/** ln n!, to 1e-10. Source: Stirling's series. */
function logFactorial(n: number): number {
  const small = SMALL[n];
  if (small !== undefined) return small;
  const inverse = 1 / (n + 1);
  const squared = inverse * inverse;
  const series = inverse * (1 / 12 - squared * (1 / 360 - squared * (1 / 1260 - squared / 1680)));
  return (n + 0.5) * Math.log(n + 1) - (n + 1) + HALF_LOG_TWO_PI + series;
}

import { expect, test } from "vitest";
import { drawBinomial, drawClusters, drawNormal, drawPoisson } from "./draws.ts";
import { randomStream } from "./random-stream.ts";

const DRAWS = 40_000;

function momentsOf(draw: () => number): { mean: number; variance: number } {
  let sum = 0;
  let squares = 0;
  for (let count = 0; count < DRAWS; count += 1) {
    const value = draw();
    sum += value;
    squares += value * value;
  }
  const mean = sum / DRAWS;
  return { mean, variance: squares / DRAWS - mean * mean };
}

/** Five standard errors of the mean, and of the variance of something like a normal. */
function expectMoments(draw: () => number, expected: { mean: number; variance: number }): void {
  const seen = momentsOf(draw);
  const meanError = Math.sqrt(expected.variance / DRAWS);
  expect(Math.abs(seen.mean - expected.mean)).toBeLessThan(5 * meanError);
  const excess = 1 / Math.max(expected.mean, 1e-9);
  expect(Math.abs(seen.variance / expected.variance - 1)).toBeLessThan(5 * Math.sqrt((2 + excess) / DRAWS));
}

test("drawPoisson: mean and variance are the mean, on both sides of the change of method and for huge counts", () => {
  const random = randomStream(1, "poisson");
  for (const mean of [0.02, 0.7, 9.9, 10, 35, 1000, 2.5e6]) {
    expectMoments(() => drawPoisson(random, mean), { mean, variance: mean });
  }
  expect(drawPoisson(random, 0)).toBe(0);
});

test("drawPoisson: chances of single counts are those of the distribution, by inversion and by rejection", () => {
  const random = randomStream(2, "poisson");
  for (const mean of [3, 12]) {
    const seen = new Map<number, number>();
    for (let draw = 0; draw < 200_000; draw += 1) {
      const count = drawPoisson(random, mean);
      seen.set(count, (seen.get(count) ?? 0) + 1);
    }
    let chance = Math.exp(-mean);
    for (let count = 0; 200_000 * chance > 20 || count < mean; count += 1) {
      const expected = 200_000 * chance;
      expect(Math.abs((seen.get(count) ?? 0) - expected)).toBeLessThan(5 * Math.sqrt(expected) + 1);
      chance *= mean / (count + 1);
    }
  }
});

test("drawBinomial: mean np and variance np(1-p), for few and many, small and large shares, never beyond the trials", () => {
  const random = randomStream(3, "binomial");
  for (const [total, share] of [
    [10, 0.3],
    [10, 0.9],
    [400, 0.001],
    [400, 0.4],
    [100_000, 0.005],
    [1_000_000, 0.97],
  ] as const) {
    let beyond = 0;
    const draw = (): number => {
      const count = drawBinomial(random, total, share);
      if (count < 0 || count > total) beyond += 1;
      return count;
    };
    expectMoments(draw, { mean: total * share, variance: total * share * (1 - share) });
    expect(beyond).toBe(0);
  }
  expect([drawBinomial(random, 0, 0.5), drawBinomial(random, 7, 0), drawBinomial(random, 7, 1)]).toEqual([0, 0, 7]);
});

test("drawClusters: geometric sizes of the mean asked for, added one by one or at once", () => {
  const random = randomStream(4, "clusters");
  for (const clusters of [1, 7, 300]) {
    // A geometric size of mean 4 has the variance 4 * 3.
    const seen = momentsOf(() => drawClusters(random, clusters, 4));
    expect(seen.mean / (4 * clusters)).toBeCloseTo(1, 1);
    expect(seen.variance / (12 * clusters)).toBeCloseTo(1, 0);
  }
  expect(drawClusters(random, 0, 4)).toBe(0);
  expect(drawClusters(random, 9, 1)).toBe(9);
});

test("drawNormal: mean 0, variance 1, and tails", () => {
  const random = randomStream(5, "normal");
  let beyond = 0;
  expectMoments(
    () => {
      const value = drawNormal(random);
      if (value > 2) beyond += 1;
      return value;
    },
    { mean: 0, variance: 1 },
  );
  expect(beyond / DRAWS).toBeCloseTo(0.02275, 2);
});

test("randomStream: the same seed and stream give the same draws, another of either gives others", () => {
  const first = (seed: number, stream: string): number[] => {
    const random = randomStream(seed, stream);
    return [random.next(), random.next(), random.next()];
  };
  expect(first(1, "a")).toEqual(first(1, "a"));
  const all = [...first(1, "a"), ...first(2, "a"), ...first(1, "b"), ...first(1 + 2 ** 32, "a")];
  expect(new Set(all).size).toBe(all.length);
  expect(all.every((value) => value >= 0 && value < 1)).toBe(true);
});

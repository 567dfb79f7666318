import fc from "fast-check";
import { expect, test } from "vitest";
import { type LinearEvidence, smallestReaching } from "./linear-evidence.ts";
import { logMeanExp } from "./log-sum.ts";

/** Plain halving, as statistics reference 2.13 has it. */
function halved({ bases, slopes }: LinearEvidence, level: number): number {
  const at = (d: number) => logMeanExp(bases.map((base, index) => base + d * (slopes[index] ?? 0)));
  if (at(0) >= level) return 0;
  let low = 0;
  let high = 1;
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (at(middle) >= level) high = middle;
    else low = middle;
  }
  return high;
}

test("smallestReaching: the very same double as plain halving, however steep, flat or far the evidence is", () => {
  const base = fc.oneof(fc.double({ min: -50, max: 2, noNaN: true }), fc.double({ min: -1e6, max: 2, noNaN: true }));
  const slope = fc.oneof(
    { weight: 8, arbitrary: fc.double({ min: -1, max: 9, noNaN: true }).map((power) => 10 ** power) },
    { weight: 1, arbitrary: fc.constant(0) },
    // Of a status that a hand wrote.
    { weight: 1, arbitrary: fc.double({ min: -10, max: 0, noNaN: true }) },
  );
  const terms = fc.array(fc.tuple(base, slope), { minLength: 1, maxLength: 6 });
  const level = fc.double({ min: 0.1, max: 20, noNaN: true });
  let insideCount = 0;
  fc.assert(
    fc.property(terms, level, (pairs, nats) => {
      const evidence = { bases: pairs.map(([from]) => from), slopes: pairs.map(([, rise]) => rise) };
      const found = smallestReaching(evidence, nats);
      if (found > 0 && found < 1) insideCount += 1;
      expect(found).toBe(halved(evidence, nats));
    }),
    { numRuns: 5000 },
  );
  expect(insideCount).toBeGreaterThan(1500);
});

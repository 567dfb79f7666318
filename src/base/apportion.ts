import { assert } from "./assert.ts";

/**
 * Splits `total` whole units in proportion to the shares, so that the parts sum to `total` exactly.
 *
 * Source: largest-remainder (Hamilton) method; ties go to the earlier share. All shares zero gives all zero.
 */
export function apportion(shares: readonly number[], total: number): number[] {
  assert(Number.isInteger(total) && total >= 0, "apportion takes a whole, non-negative total");
  const sum = shares.reduce((acc, share) => acc + share, 0);
  if (sum === 0) return shares.map(() => 0);
  const exact = shares.map((share) => (share * total) / sum);
  const parts = exact.map(Math.floor);
  const missing = total - parts.reduce((acc, part) => acc + part, 0);
  const byRemainder = exact
    .map((value, index) => ({ index, remainder: value - Math.floor(value) }))
    .sort((a, b) => b.remainder - a.remainder || a.index - b.index);
  for (const { index } of byRemainder.slice(0, missing)) parts[index] = (parts[index] ?? 0) + 1;
  return parts;
}

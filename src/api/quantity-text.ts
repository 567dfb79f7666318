const BINARY = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const DECIMAL = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
const NANO = 1_000_000_000n;

/**
 * Writes a quantity as Kubernetes stores it: no fraction, the largest suffix that divides it, the family of suffixes kept
 * (`1000m` is `1`, `1024Mi` is `1Gi`, `0.5Gi` is `512Mi`, `0.1` is `100m`). A text that is no quantity is left alone.
 *
 * Source: apimachinery `resource.Quantity.CanonicalizeBytes`. Precision is nano, rounded up.
 */
export function canonicalQuantity(text: string | number): string {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,2})|(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei))?$/.exec(
    String(text),
  );
  if (match === null || `${match[2]}${match[3] ?? ""}` === "") return String(text);
  const [, sign = "", whole = "", fraction = "", exponent, suffix = ""] = match;
  const nano = toNano({ digits: `${whole}${fraction}`, fractionCount: fraction.length, exponent, suffix });
  if (nano === 0n) return "0";
  return `${sign === "-" ? "-" : ""}${write(nano, exponent === undefined ? suffix : "exponent")}`;
}

/** Writes a number of thousandths, whatever its size: JavaScript's own text of a large one has an exponent before the unit. */
export function quantityOfMilli(milli: number): string {
  return canonicalQuantity(`${BigInt(milli)}m`);
}

interface Parts {
  readonly digits: string;
  readonly fractionCount: number;
  readonly exponent: string | undefined;
  readonly suffix: string;
}

function toNano(parts: Parts): bigint {
  const binary = BINARY.indexOf(parts.suffix);
  const power =
    parts.exponent === undefined ? (binary > 0 ? 0 : 3 * (DECIMAL.indexOf(parts.suffix) - 3)) : Number(parts.exponent);
  const scale = power - parts.fractionCount + 9;
  const unscaled = BigInt(parts.digits) * (binary > 0 ? 1024n ** BigInt(binary) : 1n);
  return scale >= 0 ? unscaled * 10n ** BigInt(scale) : divideUp(unscaled, 10n ** BigInt(-scale));
}

function divideUp(value: bigint, by: bigint): bigint {
  return (value + by - 1n) / by;
}

function write(nano: bigint, family: string): string {
  const isBinary = BINARY.indexOf(family) > 0 && nano % NANO === 0n && nano / NANO >= 1024n;
  if (isBinary) return writeScaled(nano / NANO, 1024n, BINARY);
  if (family !== "exponent") return writeScaled(nano, 1000n, DECIMAL);
  const index = largestIndex(nano, 1000n, DECIMAL.length);
  const power = 3 * (index - 3);
  return `${nano / 1000n ** BigInt(index)}${power === 0 ? "" : `e${power}`}`;
}

function writeScaled(value: bigint, base: bigint, suffixes: readonly string[]): string {
  const index = largestIndex(value, base, suffixes.length);
  return `${value / base ** BigInt(index)}${suffixes[index]}`;
}

function largestIndex(value: bigint, base: bigint, count: number): number {
  let index = 0;
  while (index + 1 < count && value % base ** BigInt(index + 1) === 0n) index++;
  return index;
}

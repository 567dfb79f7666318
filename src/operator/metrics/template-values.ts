/** What an expression of a template can be: text, int64, float, boolean, a map such as `variables`, or nil. */
export type TemplateValue = string | bigint | number | boolean | Readonly<Record<string, string>> | undefined;

/** Whether `if` takes it: everything but the empty values. Source: text/template, "if". */
export function isTrue(value: TemplateValue): boolean {
  if (typeof value === "object") {
    for (const key in value) if (Object.hasOwn(value, key)) return true;
    return false;
  }
  return value !== undefined && value !== "" && value !== 0n && value !== 0 && value !== false;
}

/** The name of its type, for messages. */
export function kindOf(value: TemplateValue): "text" | "whole number" | "float" | "boolean" | "map" | "nil" {
  if (typeof value === "string") return "text";
  if (typeof value === "bigint") return "whole number";
  if (typeof value === "number") return "float";
  if (typeof value === "boolean") return "boolean";
  return value === undefined ? "nil" : "map";
}

/** As Go's `%v` writes it. */
export function textOf(value: TemplateValue): string {
  if (value === undefined) return "<nil>";
  if (typeof value === "number") return formatFloatG(value, undefined);
  if (typeof value !== "object") return String(value);
  return `map[${sortedEntries(value)
    .map(([key, item]) => `${key}:${item}`)
    .join(" ")}]`;
}

export function sortedEntries(map: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1));
}

/**
 * As Go's `%g`: the fewest digits that tell the number, or `precision` of them.
 *
 * Source: Go strconv `FormatFloat`: an exponent is written when it is below -4 or not below the precision (6 for the fewest
 * digits), with at least two digits.
 */
export function formatFloatG(value: number, precision: number | undefined): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
  const digitCount = precision === undefined ? undefined : Math.max(1, precision);
  const [mantissa = "", exponentText = "0"] = Math.abs(value)
    .toExponential(digitCount === undefined ? undefined : digitCount - 1)
    .split("e");
  const exponent = Number(exponentText);
  const digits = mantissa.replace(".", "").replace(/0+$/, "") || "0";
  const pointAt = exponent + 1;
  const bound =
    digitCount === undefined ? 6 : digitCount > digits.length && digits.length >= pointAt ? digits.length : digitCount;
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  if (value !== 0 && (exponent < -4 || exponent >= bound))
    return `${sign}${digits.charAt(0)}${digits.length > 1 ? `.${digits.slice(1)}` : ""}e${exponentOf(exponent)}`;
  if (pointAt <= 0) return `${sign}0.${"0".repeat(-pointAt)}${digits}`;
  const whole = digits.padEnd(pointAt, "0");
  return `${sign}${whole.slice(0, pointAt)}${whole.length > pointAt ? `.${whole.slice(pointAt)}` : ""}`;
}

/** A signed exponent with at least two digits. */
export function exponentOf(exponent: number): string {
  return `${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

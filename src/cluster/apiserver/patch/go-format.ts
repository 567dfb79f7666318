import { isObject } from "#base";

/** Writes a JSON value as Go's `%v` prints a decoded one: `map[a:1 b:[x y]]`. Real servers quote patches in this form. */
export function formatGo(value: unknown): string {
  if (value === null || value === undefined) return "<nil>";
  if (Array.isArray(value)) return `[${value.map(formatGo).join(" ")}]`;
  if (!isObject(value)) return typeof value === "string" ? value : JSON.stringify(value);
  const entries = Object.keys(value)
    .sort()
    .map((key) => `${key}:${formatGo(value[key])}`);
  return `map[${entries.join(" ")}]`;
}

import { civilTime } from "./civil-time.ts";

/** Functions of one value, by name. Source: Prometheus documentation, "Query functions". */
export const mathFunctions: ReadonlyMap<string, (value: number) => number> = new Map([
  ["abs", Math.abs],
  ["acos", Math.acos],
  ["acosh", Math.acosh],
  ["asin", Math.asin],
  ["asinh", Math.asinh],
  ["atan", Math.atan],
  ["atanh", Math.atanh],
  ["ceil", Math.ceil],
  ["cos", Math.cos],
  ["cosh", Math.cosh],
  ["deg", (value: number) => (value * 180) / Math.PI],
  ["exp", Math.exp],
  ["floor", Math.floor],
  ["ln", Math.log],
  ["log10", Math.log10],
  ["log2", Math.log2],
  ["rad", (value: number) => (value * Math.PI) / 180],
  ["sgn", Math.sign],
  ["sin", Math.sin],
  ["sinh", Math.sinh],
  ["sqrt", Math.sqrt],
  ["tan", Math.tan],
  ["tanh", Math.tanh],
]);

/** Functions of a Unix time in seconds, by name. Without an argument they take the time of evaluation. */
export const timeFunctions: ReadonlyMap<string, (unixSeconds: number) => number> = new Map([
  ["day_of_month", (seconds: number) => civilTime(seconds).dayOfMonth],
  ["day_of_week", (seconds: number) => civilTime(seconds).dayOfWeek],
  ["day_of_year", (seconds: number) => civilTime(seconds).dayOfYear],
  ["days_in_month", (seconds: number) => civilTime(seconds).daysInMonth],
  ["hour", (seconds: number) => civilTime(seconds).hour],
  ["minute", (seconds: number) => civilTime(seconds).minute],
  ["month", (seconds: number) => civilTime(seconds).month],
  ["year", (seconds: number) => civilTime(seconds).year],
]);

/** Rounds to the nearest multiple, halves up. Dividing by the inverse avoids most rounding errors, as in Prometheus. */
export function roundTo(value: number, nearest: number): number {
  const inverse = 1 / nearest;
  return Math.floor(value * inverse + 0.5) / inverse;
}

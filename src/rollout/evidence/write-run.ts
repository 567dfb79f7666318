import { isObject } from "#base";
import type { Run } from "./run.ts";

/** Decimals of what is no whole number: far below what a decision depends on, and half the size. */
const UNITS = 1e9;

/** The run as the status keeps it; {@link readRun} gives the same. Every look reads it from there, so rounding is part of it. */
export function writeRun(run: Run): Readonly<Record<string, unknown>> {
  const written = rounded(run);
  return isObject(written) ? written : {};
}

function rounded(value: unknown): unknown {
  if (typeof value === "number") return Number.isInteger(value) ? value : Math.round(value * UNITS) / UNITS;
  if (Array.isArray(value)) return value.map(rounded);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, field]) => (field === undefined ? [] : [[key, rounded(field)]])),
  );
}

import { type LabelMatcher, parsePromql } from "#promql";
import { ApiError } from "./envelope.ts";

/** Reads a time: Unix seconds with decimals, or RFC 3339. @throws ApiError */
export function timeParameter(params: URLSearchParams, name: string, otherwiseMs: number | undefined): number {
  const text = params.get(name);
  if (text === null || text === "") {
    if (otherwiseMs !== undefined) return otherwiseMs;
    throw invalid(name, `cannot parse "" to a valid timestamp`);
  }
  const seconds = Number(text);
  if (text.trim() !== "" && Number.isFinite(seconds)) return Math.round(seconds * 1000);
  // Prometheus words the fault of an optional time differently.
  const prefix = otherwiseMs === undefined ? "" : `Invalid time value for '${name}': `;
  const isRfc3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})$/.test(text);
  const timeMs = isRfc3339 ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(timeMs)) throw invalid(name, `${prefix}cannot parse ${JSON.stringify(text)} to a valid timestamp`);
  return timeMs;
}

const UNIT_MS: Readonly<Record<string, number>> = {
  y: 365 * 86_400_000,
  w: 7 * 86_400_000,
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
};

/** Reads a duration: seconds with decimals, or `1h30m`. @throws ApiError */
export function durationParameter(params: URLSearchParams, name: string): number | undefined {
  const text = params.get(name);
  if (text === null || text === "") return undefined;
  const seconds = Number(text);
  if (text.trim() !== "" && Number.isFinite(seconds)) return seconds * 1000;
  if (!/^(?:\d+(?:ms|[smhdwy]))+$/.test(text)) {
    throw invalid(name, `cannot parse ${JSON.stringify(text)} to a valid duration`);
  }
  let sumMs = 0;
  for (const [, count = "", unit = ""] of text.matchAll(/(\d+)(ms|[smhdwy])/g))
    sumMs += Number(count) * (UNIT_MS[unit] ?? 0);
  return sumMs;
}

/** Reads `limit`: 0, the default, is no limit. @throws ApiError */
export function limitParameter(params: URLSearchParams): number {
  const text = params.get("limit");
  if (text === null || text === "") return 0;
  const limit = Number(text);
  if (!Number.isInteger(limit)) throw invalid("limit", `cannot parse ${JSON.stringify(text)} to an integer`);
  if (limit < 0) throw invalid("limit", "limit must be non-negative");
  return limit;
}

/** Reads the series selectors of `match[]`. @throws ApiError */
export function matchParameter(params: URLSearchParams): readonly (readonly LabelMatcher[])[] {
  return params.getAll("match[]").map((text) => {
    const expr = parsePromql(text);
    if (!expr.ok) throw invalid("match[]", expr.error.message);
    const { value } = expr;
    if (value.kind !== "vectorSelector" || value.offsetMs !== 0 || value.at !== undefined) {
      throw invalid("match[]", `${JSON.stringify(text)} is not a series selector`);
    }
    return value.matchers;
  });
}

/** The error of a parameter that cannot be used. */
export function invalid(name: string, message: string): ApiError {
  return new ApiError("bad_data", `invalid parameter "${name}": ${message}`);
}

import { err, isObject, ok, type Result } from "#base";

/**
 * The one value of an answer to an instant query. Source: keda-hpa-spec 15.1; the answer's `status` is not looked at.
 *
 * No series, a series without a value, and values that are no number are 0 when nulls are ignored. A JSON null is −1, which
 * counts as nothing wherever values are published. Several series are always an error: which one is meant nobody can tell.
 */
export function valueOfAnswer(text: string, isNullIgnored: boolean): Result<number, string> {
  const series = seriesOf(text);
  if (!series.ok) return series;
  const [first, second] = series.value;
  if (first === undefined) return isNullIgnored ? ok(0) : err("the result is empty");
  if (second !== undefined)
    return err(`the query gives ${series.value.length} series; aggregate them to one, for instance with sum(…)`);
  if (!isObject(first)) return err("the query gives a scalar or a string; write vector(…) around it");
  const sample = first["value"] ?? [];
  if (!Array.isArray(sample)) return err("the value of the series is no pair of time and number");
  if (sample.length === 0) return isNullIgnored ? ok(0) : err("the series has no value");
  if (sample.length === 1) return err("the value of the series is no pair of time and number");
  const [, value]: unknown[] = sample;
  if (value === null) return ok(-1);
  const number = typeof value === "string" ? parseFloatAsGo(value) : undefined;
  if (number === undefined) return err("the value of the series is no number");
  if (Number.isFinite(number)) return ok(number);
  return isNullIgnored ? ok(0) : err(`the query gives ${number}`);
}

function seriesOf(text: string): Result<readonly unknown[], string> {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    return err("the answer is not JSON");
  }
  if (!isObject(answer)) return err("the answer is not one of Prometheus");
  const data = answer["data"] ?? {};
  const result = isObject(data) ? (data["result"] ?? []) : undefined;
  if (!Array.isArray(result)) return err("the answer is not one of Prometheus");
  // A scalar is a pair and would look like two series.
  const isList = result.length > 0 && !isObject(result[0]);
  return ok(isList ? [result[0]] : (result as unknown[]));
}

/** Source: Go `strconv.ParseFloat`, without its hexadecimal numbers, which Prometheus never writes. */
function parseFloatAsGo(text: string): number | undefined {
  const special = /^([+-]?)(?:(inf|infinity)|nan)$/i.exec(text);
  if (special !== null) {
    if (special[2] === undefined) return Number.NaN;
    return special[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined;
}

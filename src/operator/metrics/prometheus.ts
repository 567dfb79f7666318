import { err, isObject, messageOf, ok, type Result } from "#base";
import type { MetricResult } from "#rollout";
import { type Dispatcher, request } from "undici";
import { readBounded } from "../gates/index.ts";

/** Where a Prometheus is and how to be let in. */
export interface PrometheusTarget {
  readonly address: string;
  readonly dispatcher: Dispatcher;
  readonly headers?: Readonly<Record<string, readonly string[]>>;
  readonly credentials?:
    | { readonly kind: "bearer"; readonly token: string }
    | { readonly kind: "basic"; readonly username: string; readonly password: string };
}

/** Source: flagger-spec 5.4. */
const TIMEOUT_MS = 5000;
const MAX_BODY_BYTES = 1024 * 1024;

/**
 * Runs an instant query that is to give one number; never rejects.
 *
 * What the provider says about the query (400, 422) is an error of the query; that it cannot be asked, or does not let
 * us in, says nothing about the release. Source: flagger-spec 5.4; differences: 10.3.14 and 10.3.16.
 */
export async function queryPrometheus(
  target: PrometheusTarget,
  query: string,
  signal: AbortSignal,
): Promise<MetricResult> {
  const url = queryUrl(target.address, query);
  if (!url.ok) return { kind: "error", message: url.error };
  try {
    const response = await request(url.value, {
      dispatcher: target.dispatcher,
      headers: headersOf(target),
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    const { text, isWhole } = await readBounded(response.body, MAX_BODY_BYTES);
    if (!isWhole) return { kind: "error", message: `the answer is larger than ${MAX_BODY_BYTES} bytes` };
    return resultOf(response.statusCode, text);
  } catch (thrown) {
    const isTimeout = thrown instanceof Error && thrown.name === "TimeoutError";
    const why = isTimeout ? `no answer within ${TIMEOUT_MS} ms` : messageOf(thrown);
    return { kind: "unreachable", message: `${shown(url.value)}: ${why}` };
  }
}

function queryUrl(address: string, query: string): Result<URL, string> {
  try {
    const url = new URL(address);
    if (url.protocol !== "http:" && url.protocol !== "https:") throw new Error("the scheme is neither http nor https");
    url.pathname = `${url.pathname.replace(/\/+$/, "")}/api/v1/query`;
    url.searchParams.set("query", query.trim().replace(/\s+/g, " "));
    return ok(url);
  } catch (thrown) {
    // The text may hold a password, so it is not quoted.
    return err(`the address is none of a Prometheus: ${messageOf(thrown)}; write http://HOST:PORT`);
  }
}

/** The server without user, password and query. */
function shown(url: URL): string {
  return `${url.protocol}//${url.host}`;
}

function headersOf({ headers = {}, credentials }: PrometheusTarget): Record<string, string | string[]> {
  const all: Record<string, string | string[]> = {};
  for (const [name, values] of Object.entries(headers)) all[name.toLowerCase()] = [...values];
  if (credentials?.kind === "bearer") all.authorization = `Bearer ${credentials.token}`;
  if (credentials?.kind === "basic") {
    const pair = `${credentials.username}:${credentials.password}`;
    all.authorization = `Basic ${Buffer.from(pair).toString("base64")}`;
  }
  return all;
}

function resultOf(status: number, text: string): MetricResult {
  const body = parseJson(text);
  const message = isObject(body) && typeof body.error === "string" ? body.error : text.trim().slice(0, 200);
  if (status === 400 || status === 422) return { kind: "error", message };
  if (status >= 300) return { kind: "unreachable", message: `the server answered ${status}: ${message}` };
  if (!isObject(body) || body.status !== "success" || !isObject(body.data))
    return { kind: "unreachable", message: `the answer is not one of Prometheus: ${text.trim().slice(0, 200)}` };
  return valueOf(body.data);
}

function valueOf(data: Record<string, unknown>): MetricResult {
  const { resultType, result } = data;
  if (resultType === "scalar") return numberOf(Array.isArray(result) ? result[1] : undefined);
  if (resultType !== "vector" || !Array.isArray(result))
    return { kind: "error", message: `the query gives a ${String(resultType)}; it must give a vector or a scalar` };
  if (result.length === 0) return { kind: "empty" };
  if (result.length > 1)
    return {
      kind: "error",
      message: `the query gives ${result.length} series; aggregate them to one, for instance with sum(…)`,
    };
  const [sample]: unknown[] = result;
  const value = isObject(sample) && Array.isArray(sample.value) ? sample.value[1] : undefined;
  return numberOf(value);
}

function numberOf(text: unknown): MetricResult {
  if (typeof text !== "string") return { kind: "error", message: "the query gives a sample without a value" };
  const value = text === "+Inf" ? Number.POSITIVE_INFINITY : text === "-Inf" ? Number.NEGATIVE_INFINITY : Number(text);
  if (Number.isNaN(value)) return { kind: "empty" };
  return value === 0 ? { kind: "zero" } : { kind: "value", value };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

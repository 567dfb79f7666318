import { err, isObject, messageOf, ok, redact, type Result } from "#base";
import type { MetricResult } from "#rollout";
import { type Dispatcher, errors, request } from "undici";
import { formsOf, loginOf, readBounded } from "../gates/index.ts";

/** Where a Prometheus is and how to be let in. */
export interface PrometheusTarget {
  readonly address: string;
  readonly dispatcher: Dispatcher;
  readonly headers?: Readonly<Record<string, readonly string[]>>;
  readonly credentials?:
    | { readonly kind: "bearer"; readonly token: string }
    | { readonly kind: "basic"; readonly username: string; readonly password: string };
}

/** One series of an answer, with the text of its value as it came. */
export interface PrometheusElement {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: string;
  /** How old the sample was when the answer was written; undefined when the answer tells no time. */
  readonly ageMs?: number;
}

/** What a Prometheus said to an instant query. */
export type PrometheusAnswer =
  | { readonly kind: "series"; readonly elements: readonly PrometheusElement[] }
  | Extract<MetricResult, { readonly message: string }>;

/** Source: flagger-spec 5.4. */
export const QUERY_TIMEOUT_MS = 5000;
/** About 30,000 workloads, which is more than one mesh has. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;
/** Longer ones go as a form, since many proxies refuse addresses above 8 KiB. */
const MAX_GET_LENGTH = 4000;

/**
 * Runs an instant query; never rejects.
 *
 * What the provider says about the query (400, 422) is an error of the query; that it cannot be asked, or does not let
 * us in, says nothing about the release. Source: flagger-spec 5.4; differences: 10.3.14 and 10.3.16.
 */
export async function askPrometheus(
  target: PrometheusTarget,
  query: string,
  signal: AbortSignal,
): Promise<PrometheusAnswer> {
  const parameters = { query: oneLine(query) };
  const data = await callPrometheus(target, { endpoint: "query", parameters, maxBytes: MAX_BODY_BYTES }, signal);
  return data.kind === "data" ? vectorOf(data) : data;
}

/** What a Prometheus sent, not yet looked into. */
export interface PrometheusData {
  readonly kind: "data";
  readonly resultType: unknown;
  readonly result: unknown;
  /** When the answer was written, by the server's clock. */
  readonly writtenMs: number | undefined;
}

/** One call of the query API. */
export interface PrometheusCall {
  readonly endpoint: "query" | "query_range";
  readonly parameters: Readonly<Record<string, string>>;
  readonly maxBytes: number;
  /** What to do when the answer is larger. */
  readonly ifTooLarge?: string;
}

/** Asks for the raw result of a query; never rejects. */
export async function callPrometheus(
  target: PrometheusTarget,
  call: PrometheusCall,
  signal: AbortSignal,
): Promise<PrometheusData | Extract<MetricResult, { readonly message: string }>> {
  const server = serverOf(target, call.endpoint);
  if (!server.ok) return { kind: "error", message: server.error };
  const { url, headers } = server.value;
  const hidden = (text: string): string => redact(text, secretsIn(target), "[secret]");
  const parameters = new URLSearchParams(call.parameters).toString();
  const isForm = parameters.length > MAX_GET_LENGTH;
  if (!isForm) url.search = url.search === "" ? parameters : `${url.search}&${parameters}`;
  else headers["content-type"] = "application/x-www-form-urlencoded";
  try {
    const response = await request(url, {
      dispatcher: target.dispatcher,
      headers,
      signal: AbortSignal.any([signal, AbortSignal.timeout(QUERY_TIMEOUT_MS)]),
      ...(isForm ? { method: "POST", body: parameters } : {}),
    });
    const { text, isWhole } = await readBounded(response.body, call.maxBytes);
    if (!isWhole) return { kind: "error", message: tooLarge(call) };
    return dataOf({ status: response.statusCode, text, writtenMs: dateOf(response.headers.date), hidden });
  } catch (thrown) {
    // A header that cannot be written, such as a token with a line break inside; the message names it without its value.
    if (thrown instanceof errors.InvalidArgumentError)
      return { kind: "error", message: `the request cannot be made: ${thrown.message}` };
    const isTimeout = thrown instanceof Error && thrown.name === "TimeoutError";
    const why = isTimeout ? `no answer within ${QUERY_TIMEOUT_MS} ms` : hidden(messageOf(thrown));
    return { kind: "unreachable", message: `${url.protocol}//${url.host}: ${why}` };
  }
}

function tooLarge({ maxBytes, ifTooLarge }: PrometheusCall): string {
  return `the answer is larger than ${maxBytes} bytes${ifTooLarge === undefined ? "" : `; ${ifTooLarge}`}`;
}

/** What is wrong with the address; undefined when it can be asked. */
export function addressFault(target: PrometheusTarget): string | undefined {
  const server = serverOf(target, "query");
  return server.ok ? undefined : server.error;
}

/** Line breaks stay where a comment may need them to end. */
function oneLine(query: string): string {
  return query.includes("#") ? query.trim() : query.trim().replace(/\s+/g, " ");
}

/** An answer that is to be one number. `windowMs`: samples older than it are stale. */
export function singleResult(answer: PrometheusAnswer, windowMs = Number.POSITIVE_INFINITY): MetricResult {
  if (answer.kind !== "series") return answer;
  const { elements } = answer;
  const [element] = elements;
  if (element === undefined) return { kind: "empty" };
  if (elements.length > 1)
    return {
      kind: "error",
      message: `the query gives ${elements.length} series; aggregate them to one, for instance with sum(…)`,
    };
  return elementResult(element, windowMs);
}

/**
 * One series as a result.
 *
 * An infinite value is a division by zero and no measurement: compared with a bound it would pass every minimum.
 */
export function elementResult({ value: text, ageMs }: PrometheusElement, windowMs: number): MetricResult {
  if (ageMs !== undefined && ageMs > windowMs) return { kind: "stale", ageMs };
  if (/^[+-]?Inf$/i.test(text))
    return { kind: "error", message: `the query gives ${text}; it divides by zero, so add a condition such as "> 0"` };
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (Number.isNaN(value)) return { kind: "empty" };
  return value === 0 ? { kind: "zero" } : { kind: "value", value };
}

function serverOf(
  target: PrometheusTarget,
  endpoint: PrometheusCall["endpoint"],
): Result<{ url: URL; headers: Record<string, string | string[]> }, string> {
  try {
    const url = new URL(target.address);
    if (url.protocol !== "http:" && url.protocol !== "https:") throw new Error("the scheme is neither http nor https");
    url.pathname = `${url.pathname.replace(/\/+$/, "")}/api/v1/${endpoint}`;
    const headers = headersOf(target, url);
    url.username = "";
    url.password = "";
    return ok({ url, headers });
  } catch (thrown) {
    // The address may hold a password, so neither it nor a message that quotes it is shown.
    const why = thrown instanceof TypeError ? "it is no URL" : messageOf(thrown);
    return err(`the address is none of a Prometheus: ${why}; write http://HOST:PORT`);
  }
}

function headersOf({ headers = {}, credentials }: PrometheusTarget, url: URL): Record<string, string | string[]> {
  const all: Record<string, string | string[]> = {};
  const basic = (username: string, password: string): string =>
    `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  if (url.username !== "")
    all.authorization = basic(decodeURIComponent(url.username), decodeURIComponent(url.password));
  for (const [name, values] of Object.entries(headers)) all[name.toLowerCase()] = [...values];
  if (credentials?.kind === "bearer") all.authorization = `Bearer ${credentials.token}`;
  if (credentials?.kind === "basic") all.authorization = basic(credentials.username, credentials.password);
  return all;
}

/** What a server may repeat of a request, in the forms that it knows it in. */
function secretsIn({ address, headers = {}, credentials }: PrometheusTarget): readonly string[] {
  const parts = Object.values(headers).flatMap((values) =>
    values.flatMap((value) => [value, ...value.split(" ").slice(1)]),
  );
  const { username, password, token } = { username: "", password: "", token: "", ...credentials };
  const login = password === "" ? [token] : [password, `${username}:${password}`];
  return [...[...parts, ...login].flatMap(formsOf), ...loginOf(address)];
}

function dataOf(response: {
  readonly status: number;
  readonly text: string;
  readonly writtenMs: number | undefined;
  readonly hidden: (text: string) => string;
}): PrometheusData | Extract<MetricResult, { readonly message: string }> {
  const { status, text, hidden } = response;
  const body = parseJson(text);
  // Hidden first: a secret that is cut in two would not be found.
  const shown = (): string => hidden(text).trim().slice(0, 200);
  const message = (): string =>
    isObject(body) && typeof body.error === "string" ? hidden(body.error).slice(0, 1000) : shown();
  if (status === 400 || status === 422) return { kind: "error", message: message() };
  if (status >= 300) return { kind: "unreachable", message: `the server answered ${status}: ${message()}` };
  if (!isObject(body) || body.status !== "success" || !isObject(body.data))
    return { kind: "unreachable", message: `the answer is not one of Prometheus: ${shown()}` };
  const { resultType, result } = body.data;
  return { kind: "data", resultType, result, writtenMs: response.writtenMs };
}

function vectorOf({ resultType, result, writtenMs }: PrometheusData): PrometheusAnswer {
  if (resultType === "scalar") return elementsOf([{ value: result }], writtenMs);
  if (resultType === "vector" && Array.isArray(result)) return elementsOf(result, writtenMs);
  return { kind: "error", message: `the query gives a ${String(resultType)}; it must give a vector or a scalar` };
}

function elementsOf(result: readonly unknown[], writtenMs: number | undefined): PrometheusAnswer {
  const elements: PrometheusElement[] = [];
  for (const element of result) {
    const sample = isObject(element) && Array.isArray(element.value) ? element.value : [];
    const [seconds, value]: unknown[] = sample;
    if (typeof value !== "string") return { kind: "error", message: "the query gives a sample without a value" };
    const metric = isObject(element) && isObject(element.metric) ? element.metric : {};
    const labels = Object.fromEntries(Object.entries(metric).map(([name, label]) => [name, String(label)]));
    const ageMs = ageOf(seconds, writtenMs);
    elements.push({ labels, value, ...(ageMs === undefined ? {} : { ageMs }) });
  }
  return { kind: "series", elements };
}

/**
 * Prometheus itself dates a sample with the time of the evaluation; servers that give the sample's own time are caught here
 * when they serve old ones. Both times are the server's, so that its clock need not agree with ours.
 */
function ageOf(seconds: unknown, writtenMs: number | undefined): number | undefined {
  if (typeof seconds !== "number" || seconds <= 0 || writtenMs === undefined) return undefined;
  return Math.max(0, writtenMs - seconds * 1000);
}

function dateOf(header: string | string[] | undefined): number | undefined {
  const ms = typeof header === "string" ? Date.parse(header) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

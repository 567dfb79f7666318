import { err, isObject, messageOf, ok, type Result } from "#base";
import { type Dispatcher, request } from "undici";
import { readBounded } from "../../gates/index.ts";
import type { MetricRequest } from "../metric-source.ts";

/** What is sent to a provider. */
export interface HttpCall {
  readonly method: "GET" | "POST";
  readonly url: URL;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string;
}

/** What came back; `unreachable` when nothing did in time. */
export type HttpReply =
  | {
      readonly kind: "answer";
      readonly status: number;
      /** Names in lower case. */
      readonly headers: Readonly<Record<string, string>>;
      readonly text: string;
    }
  | { readonly kind: "too-large" }
  | { readonly kind: "unreachable"; readonly message: string };

export type Asking = Pick<MetricRequest, "provider" | "http" | "signal">;

/** Largest answer that is read. One number fits in far less. */
export const MAX_BODY_BYTES = 1024 * 1024;

/** Headers that undici takes away when a redirect leads to another host, and those that hold no key. */
const REDIRECTABLE_HEADERS = new Set(["authorization", "accept", "content-type"]);

/**
 * Sends one call; never rejects. The template's own headers are added, except over those of the call.
 *
 * Redirects are followed unless a key travels in a header that would then be shown to another host.
 */
export async function send(call: HttpCall, asking: Asking, timeoutMs: number): Promise<HttpReply> {
  const headers = { ...ownHeaders(asking.provider.headers), ...userOf(call.url), ...call.headers };
  const mayFollow = Object.keys(headers).every((name) => REDIRECTABLE_HEADERS.has(name));
  const options: Omit<Dispatcher.RequestOptions, "origin" | "path"> & { maxRedirections?: number } = {
    method: call.method,
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, copied(value)])),
    body: call.body ?? null,
    signal: AbortSignal.any([asking.signal, AbortSignal.timeout(timeoutMs)]),
    ...(mayFollow ? {} : { maxRedirections: 0 }),
  };
  try {
    const dispatcher = dispatcherOf(asking);
    const response = await request(withoutUser(call.url), { ...options, dispatcher });
    const { text, isWhole } = await readBounded(response.body, MAX_BODY_BYTES);
    if (!isWhole) return { kind: "too-large" };
    return { kind: "answer", status: response.statusCode, headers: joined(response.headers), text };
  } catch (thrown) {
    return { kind: "unreachable", message: `${serverOf(call.url)}: ${whyNot(thrown, timeoutMs)}` };
  }
}

/** The way out that the template asks for. */
function dispatcherOf({ provider, http }: Pick<Asking, "provider" | "http">): Dispatcher {
  return provider.insecureSkipVerify === true ? http.insecure : http.dispatcher;
}

export function whyNot(thrown: unknown, timeoutMs: number): string {
  const isTimeout = thrown instanceof Error && thrown.name === "TimeoutError";
  return isTimeout ? `no answer within ${timeoutMs} ms` : messageOf(thrown);
}

/** Puts a path under the address of a provider and keeps what path and query the address has. */
export function urlOf(
  address: string | undefined,
  path: string,
  query: Readonly<Record<string, string>> = {},
): Result<URL, string> {
  if (address === undefined || address === "")
    return err("spec.provider.address is missing; write the URL of the server, such as https://HOST:PORT");
  // The address may hold a password, so it is not quoted.
  const wrong = "spec.provider.address is not a URL; write http://HOST:PORT or https://HOST:PORT";
  if (!URL.canParse(address)) return err(wrong);
  const url = new URL(address);
  if (url.protocol !== "http:" && url.protocol !== "https:") return err(wrong);
  url.pathname = `${url.pathname.replace(/\/+$/, "")}${path}`;
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return ok(url);
}

/** Says what a server complains of when it answers in one of the usual shapes of JSON; undefined when it does not. */
export function complaintIn(text: string): string | undefined {
  const body = parseJson(text);
  if (!isObject(body)) return undefined;
  const { error, errors, message } = body;
  const [first]: unknown[] = Array.isArray(errors) ? errors : [];
  const candidates = [error, isObject(error) ? error.message : undefined, message, first, errors];
  return candidates.find((candidate): candidate is string => typeof candidate === "string" && candidate !== "");
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The server without user, path and query. */
function serverOf(url: URL): string {
  return `${url.protocol}//${url.host}`;
}

function ownHeaders(headers: Readonly<Record<string, readonly string[]>> = {}): Record<string, readonly string[]> {
  return Object.fromEntries(Object.entries(headers).map(([name, values]) => [name.toLowerCase(), values]));
}

function copied(value: string | readonly string[]): string | string[] {
  return typeof value === "string" ? value : [...value];
}

function joined(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value = ""]) => [name, typeof value === "string" ? value : value.join(", ")]),
  );
}

/** Go's client, and with it Flagger, logs in with the user that a URL names. */
function userOf(url: URL): { readonly authorization?: string } {
  if (url.username === "" && url.password === "") return {};
  return { authorization: basicAuth(decoded(url.username), passwordOf(url)) };
}

export function basicAuth(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

/** The password of a URL as it was before it was written there. */
export function passwordOf(url: URL): string {
  return decoded(url.password);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function withoutUser(url: URL): URL {
  const copy = new URL(url);
  copy.username = "";
  copy.password = "";
  return copy;
}

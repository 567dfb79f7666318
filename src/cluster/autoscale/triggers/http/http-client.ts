import { lookup } from "node:dns";
import { createSecureContext } from "node:tls";
import { Agent, type Dispatcher, interceptors, request } from "undici";
import { err, Failure, messageOf, ok, redact, type Result } from "#base";
import type { TriggerWorld } from "../trigger.ts";

/** PEM texts. */
export interface TlsMaterial {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface HttpClientOptions {
  readonly world: TriggerWorld;
  /** From where names of Services are resolved. */
  readonly namespace: string;
  readonly tls: TlsMaterial;
  /** Accepts any certificate of the server. */
  readonly isUnsafe: boolean;
  /** Milliseconds for one whole call. */
  readonly timeoutMs: number;
  readonly headers: Readonly<Record<string, string>>;
  /** What no message may show. */
  readonly secrets: readonly string[];
}

export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
  readonly contentType: string;
}

/** The requests of one trigger. */
export interface HttpClient {
  /** @throws Failure `TriggerUnreadable` when nothing whole comes back in time. */
  get(url: URL, signal: AbortSignal): Promise<HttpAnswer>;
  /** A piece of a server's answer that may be shown. */
  shown(text: string): string;
  close(): Promise<void>;
}

/** Far above the answer to a question for one number; an exposition of a large process fits. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;
const MAX_REDIRECTION_COUNT = 10;
const MAX_CONNECTION_COUNT = 8;
/** A server may send everything that it has to say of an error, and that may be shown in a condition. */
const MAX_SHOWN_LENGTH = 200;

/** Headers that a redirection to another host loses, or that hold no key. */
const REDIRECTABLE_HEADERS = new Set(["authorization", "accept"]);

/** Prepares the requests of a trigger; connects when the first one is sent. */
export function createHttpClient(options: HttpClientOptions): HttpClient {
  const own = hasOwnTls(options) ? ownAgent(options) : undefined;
  const dispatcher = redirecting(own ?? options.world.http, options.headers);
  const shown = (text: string): string => redact(text, options.secrets).trim().slice(0, MAX_SHOWN_LENGTH);
  return {
    shown,
    get: (url, signal) => get(url, { ...options, dispatcher, signal, shown }),
    // Reads of a trigger that is closed have nobody who waits for them.
    close: () => own?.destroy() ?? Promise.resolve(),
  };
}

/** The URL of a server that speaks HTTP; the error does not quote it, as it may hold a password. */
export function httpUrl(text: string): Result<URL, string> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "http:" || url?.protocol === "https:") return ok(url);
  return err("is no URL of a server: write http://HOST:PORT or https://HOST:PORT");
}

/** What is wrong with certificates and key; undefined when they can be used. Never quotes them. */
export function tlsFault(tls: TlsMaterial): string | undefined {
  try {
    createSecureContext({ ...tls });
    return undefined;
  } catch (thrown) {
    return messageOf(thrown);
  }
}

function hasOwnTls({ tls, isUnsafe }: HttpClientOptions): boolean {
  return isUnsafe || Object.keys(tls).length > 0;
}

/** Certificates of its own take connections of its own, which find the cluster's Services as those of the world do. */
function ownAgent({ world, namespace, tls, isUnsafe, timeoutMs }: HttpClientOptions): Agent {
  return new Agent({
    connections: MAX_CONNECTION_COUNT,
    connect: {
      ...tls,
      timeout: timeoutMs,
      rejectUnauthorized: !isUnsafe,
      lookup: (host, options, callback) => lookup(world.resolve(host, namespace), options, callback),
    },
  });
}

/** Redirections are followed unless a key travels in a header that would then be shown to another host. */
function redirecting(dispatcher: Dispatcher, headers: Readonly<Record<string, string>>): Dispatcher {
  if (!Object.keys(headers).every((name) => REDIRECTABLE_HEADERS.has(name.toLowerCase()))) return dispatcher;
  return dispatcher.compose(interceptors.redirect({ maxRedirections: MAX_REDIRECTION_COUNT }));
}

async function get(
  url: URL,
  options: Pick<HttpClientOptions, "headers" | "timeoutMs"> & {
    readonly dispatcher: Dispatcher;
    readonly signal: AbortSignal;
    readonly shown: (text: string) => string;
  },
): Promise<HttpAnswer> {
  const { headers, timeoutMs, dispatcher, signal, shown } = options;
  const target = withoutLogin(url);
  try {
    const response = await request(target.url, {
      dispatcher,
      headers: { ...target.headers, ...headers },
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    return {
      status: response.statusCode,
      text: await readBounded(response.body),
      contentType: String(response.headers["content-type"] ?? ""),
    };
  } catch (thrown) {
    const isTimeout = thrown instanceof Error && thrown.name === "TimeoutError";
    const why = isTimeout ? `no answer within ${timeoutMs} ms` : shown(messageOf(thrown));
    throw new Failure(`Cannot ask ${url.protocol}//${url.host}: ${why}`, {
      code: "TriggerUnreadable",
      retryable: true,
    });
  }
}

/** The user that a URL names logs in, as with Go's client and so with KEDA. */
function withoutLogin(url: URL): { readonly url: URL; readonly headers: Readonly<Record<string, string>> } {
  if (url.username === "" && url.password === "") return { url, headers: {} };
  const bare = new URL(url);
  bare.username = "";
  bare.password = "";
  return { url: bare, headers: { authorization: `Basic ${base64(loginOf(url))}` } };
}

/** What a URL says of a login, for {@link HttpClientOptions.secrets}. */
export function secretsOfUrl(url: URL): readonly string[] {
  return url.password === "" ? [] : [url.password, decoded(url.password), loginOf(url), base64(loginOf(url))];
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

/** `user:password` of a URL. */
function loginOf(url: URL): string {
  return `${decoded(url.username)}:${decoded(url.password)}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function readBounded(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let byteCount = 0;
  for await (const chunk of body) {
    byteCount += chunk.byteLength;
    // Leaving the loop ends the connection.
    if (byteCount > MAX_BODY_BYTES) throw new Error(`the answer is larger than ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

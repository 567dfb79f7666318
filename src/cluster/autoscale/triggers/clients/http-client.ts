import { Agent, type Dispatcher, interceptors, request } from "undici";
import { err, ok, type Result } from "#base";
import type { TriggerWorld } from "../trigger.ts";
import { clientFailure, said, unreadable } from "./client-failure.ts";
import { lookupIn } from "./cluster-lookup.ts";
import { withDeadline } from "./deadline.ts";
import { hasOwnTls, secretsOfTls, type TlsSettings, tlsConnectOf } from "./tls.ts";
import { basicLogin, loginOf } from "./url-login.ts";

export interface HttpClientOptions {
  readonly world: TriggerWorld;
  /** From where names of Services are resolved. */
  readonly namespace: string;
  /** Undefined for the machine's authorities and no certificate. */
  readonly tls?: TlsSettings;
  /** Milliseconds for one whole call; nothing, or 0, for the usual. */
  readonly timeoutMs?: number | undefined;
  /** Default: {@link MAX_BODY_BYTES}. */
  readonly maxBodyBytes?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** What no message may show. */
  readonly secrets?: readonly string[];
}

export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
  readonly contentType: string;
}

/** The requests of one trigger. */
export interface HttpClient {
  /**
   * Asks; any status is an answer. The action is for the message, by default `ask` and the server.
   *
   * @throws Failure `TriggerUnreadable` when nothing whole comes back in time.
   */
  get(url: URL, signal: AbortSignal, action?: string): Promise<HttpAnswer>;
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
  const { world, tls, headers = {}, maxBodyBytes = MAX_BODY_BYTES, timeoutMs: asked = 0 } = options;
  const timeoutMs = asked > 0 ? asked : world.timeoutMs;
  const own = tls !== undefined && hasOwnTls(tls) ? ownAgent(tls, options, timeoutMs) : undefined;
  const dispatcher = redirecting(own ?? world.http, headers);
  const secrets = [...(options.secrets ?? []), ...(tls === undefined ? [] : secretsOfTls(tls))];
  return {
    shown: (text) => said(text, secrets, MAX_SHOWN_LENGTH),
    async get(url, signal, action = `ask ${url.protocol}//${url.host}`) {
      const bound = { clock: world.clock, timeoutMs, signals: [signal] };
      const call = { url, headers, dispatcher, maxBodyBytes };
      return withDeadline(bound, (ended) => get(call, ended)).catch((thrown: unknown) => {
        throw clientFailure(action, thrown, secrets);
      });
    },
    // Reads of a trigger that is closed have nobody who waits for them.
    close: () => own?.destroy() ?? Promise.resolve(),
  };
}

/** The JSON of a good answer. @throws Failure `TriggerUnreadable` that names the action. */
export function jsonOf({ status, text }: HttpAnswer, action: string): unknown {
  if (status !== 200) throw unreadable(`Cannot ${action}: the server answered with HTTP status ${status}`);
  try {
    return JSON.parse(text);
  } catch {
    throw unreadable(`Cannot ${action}: the server's answer is no JSON`);
  }
}

/** The URL of a server that speaks HTTP; the error does not quote it, as it may hold a password. */
export function httpUrl(text: string): Result<URL, string> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "http:" || url?.protocol === "https:") return ok(url);
  return err("is no URL of a server: write http://HOST:PORT or https://HOST:PORT");
}

/** Certificates of its own take connections of its own, which find the cluster's Services as those of the world do. */
function ownAgent(tls: TlsSettings, { world, namespace }: HttpClientOptions, timeoutMs: number): Agent {
  return new Agent({
    connections: MAX_CONNECTION_COUNT,
    connect: { ...tlsConnectOf(tls), timeout: timeoutMs, lookup: lookupIn(world, namespace) },
  });
}

/** Redirections are followed unless a key travels in a header that would then be shown to another host. */
function redirecting(dispatcher: Dispatcher, headers: Readonly<Record<string, string>>): Dispatcher {
  if (!Object.keys(headers).every((name) => REDIRECTABLE_HEADERS.has(name.toLowerCase()))) return dispatcher;
  return dispatcher.compose(interceptors.redirect({ maxRedirections: MAX_REDIRECTION_COUNT }));
}

interface Call {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly dispatcher: Dispatcher;
  readonly maxBodyBytes: number;
}

async function get({ url, headers, dispatcher, maxBodyBytes }: Call, signal: AbortSignal): Promise<HttpAnswer> {
  const target = withoutLogin(url);
  const response = await request(target.url, { dispatcher, headers: { ...target.headers, ...headers }, signal });
  return {
    status: response.statusCode,
    text: await readBounded(response.body, maxBodyBytes),
    contentType: String(response.headers["content-type"] ?? ""),
  };
}

/** The user that a URL names logs in, as with Go's client and so with KEDA. */
function withoutLogin(url: URL): { readonly url: URL; readonly headers: Readonly<Record<string, string>> } {
  const login = loginOf(url);
  if (login === undefined) return { url, headers: {} };
  const bare = new URL(url);
  bare.username = "";
  bare.password = "";
  return { url: bare, headers: { authorization: basicLogin(login) } };
}

async function readBounded(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let byteCount = 0;
  for await (const chunk of body) {
    byteCount += chunk.byteLength;
    // Leaving the loop ends the connection.
    if (byteCount > maxBytes) throw unreadable(`the answer is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

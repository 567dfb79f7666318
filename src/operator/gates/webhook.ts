import type { CanaryWebhook } from "#api";
import { type Clock, messageOf, parseDuration, redact } from "#base";
import { sleep } from "#kube";
import { request } from "undici";
import { readBounded } from "./bounded-body.ts";
import type { OutboundHttp } from "./http.ts";
import { plainText } from "./plain-text.ts";
import { retryAfterMs } from "./retry-after.ts";
import { loginOf } from "./secrets.ts";

/** The body that every hook gets. Source: flagger-spec 6.2. */
export interface WebhookPayload {
  readonly name: string;
  readonly namespace: string;
  readonly phase: string;
  readonly checksum: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface WebhookAnswer {
  readonly isPassed: boolean;
  /** Why not, in one line; empty when it passed. */
  readonly detail: string;
}

export interface WebhookContext {
  readonly http: OutboundHttp;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const DEFAULT_TIMEOUT_MS = 10_000;
/** Flagger has no bound; this one keeps a hook that is down from holding a release for hours unnoticed. */
const MAX_RETRY_COUNT = 30;
const MAX_BACKOFF_MS = 30_000;
const MAX_BODY_BYTES = 8 * 1024;
/** An event holds 1,024 characters, and its own words come first. */
const MAX_DETAIL_LENGTH = 512;

type Attempt =
  | { readonly kind: "passed" }
  | { readonly kind: "refused"; readonly detail: string }
  | { readonly kind: "again"; readonly detail: string; readonly retryAfterMs?: number };

/**
 * Calls a webhook; never rejects.
 *
 * Any 2xx passes (Flagger takes 200 to 202 only, against its documentation). Connection errors, 429 and 5xx but 501 are
 * tried again as often as `retries` says, after 1, 2, 4 … 30 s or what `Retry-After` of a 429 or 503 says; what the last
 * answer said is not lost. Source: flagger-spec 6.2 and 10.3.17.
 */
export async function callWebhook(
  hook: CanaryWebhook,
  payload: WebhookPayload,
  context: WebhookContext,
): Promise<WebhookAnswer> {
  const attemptCount = 1 + Math.min(MAX_RETRY_COUNT, Math.max(0, Math.trunc(hook.retries ?? 0)));
  let detail = "";
  let madeCount = 0;
  while (madeCount < attemptCount) {
    const attempt = await attemptWebhook(hook, payload, context);
    madeCount++;
    if (attempt.kind === "passed") return { isPassed: true, detail: "" };
    detail = attempt.detail;
    if (attempt.kind === "refused") return { isPassed: false, detail };
    const delayMs = Math.min(MAX_BACKOFF_MS, attempt.retryAfterMs ?? 1000 * 2 ** (madeCount - 1));
    if (madeCount < attemptCount) await sleep(context.clock, delayMs, context.signal);
    if (context.signal.aborted) break;
  }
  const giveUp = `POST ${shownUrl(hook.url)} giving up after ${madeCount} attempt(s): ${detail}`;
  return { isPassed: false, detail: plainText(giveUp, MAX_DETAIL_LENGTH) };
}

async function attemptWebhook(hook: CanaryWebhook, payload: WebhookPayload, context: WebhookContext): Promise<Attempt> {
  const { http, clock, signal } = context;
  try {
    const { url, login } = addressOf(hook);
    const response = await request(url, {
      method: "POST",
      headers: { "content-type": "application/json", ...login },
      body: JSON.stringify(payload),
      dispatcher: hook.disableTLS === true ? http.insecure : http.dispatcher,
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutOf(hook))]),
    });
    const { text } = await readBounded(response.body, MAX_BODY_BYTES);
    // A tester may repeat the address that it was called by, with the login in it.
    const told = redact(text, loginOf(hook.url));
    return judge(response.statusCode, told, retryAfterMs(response.headers["retry-after"], clock.nowMs()));
  } catch (thrown) {
    return { kind: "again", detail: redact(explain(thrown, hook), loginOf(hook.url)) };
  }
}

function judge(status: number, body: string, afterMs: number | undefined): Attempt {
  if (status >= 200 && status < 300) return { kind: "passed" };
  const text = plainText(body, MAX_DETAIL_LENGTH);
  const detail = text === "" ? `the hook answered ${status}` : text;
  const isTransient = status === 429 || (status >= 500 && status !== 501);
  if (!isTransient) return { kind: "refused", detail };
  const isTold = afterMs !== undefined && (status === 429 || status === 503);
  return { kind: "again", detail, ...(isTold ? { retryAfterMs: afterMs } : {}) };
}

function timeoutOf(hook: CanaryWebhook): number {
  const parsed = parseDuration(hook.timeout ?? "");
  return parsed.ok && parsed.value > 0 ? parsed.value : DEFAULT_TIMEOUT_MS;
}

/** Go's client, and with it Flagger, logs in with the user that an address names. */
function addressOf(hook: CanaryWebhook): { readonly url: URL; readonly login: { readonly authorization?: string } } {
  const url = new URL(hook.url);
  const { username, password } = url;
  if (username === "" && password === "") return { url, login: {} };
  url.username = "";
  url.password = "";
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { url, login: { authorization: `Basic ${Buffer.from(pair).toString("base64")}` } };
}

/** The address without user, password and query, which may be secrets. */
function shownUrl(url: string): string {
  if (!URL.canParse(url)) return "(an address that is none)";
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

function explain(thrown: unknown, hook: CanaryWebhook): string {
  if (thrown instanceof Error && thrown.name === "TimeoutError") return `no answer within ${timeoutOf(hook)} ms`;
  return messageOf(thrown);
}

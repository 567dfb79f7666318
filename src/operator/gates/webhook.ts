import type { CanaryWebhook } from "#api";
import { type Clock, messageOf, parseDuration } from "#base";
import { sleep } from "#kube";
import { request } from "undici";
import { readBounded } from "./bounded-body.ts";
import type { OutboundHttp } from "./http.ts";

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
  /** Why not; empty when it passed. */
  readonly detail: string;
}

const DEFAULT_TIMEOUT_MS = 10_000;
const MAX_RETRY_COUNT = 10;
const MAX_BACKOFF_MS = 30_000;
const MAX_BODY_BYTES = 8 * 1024;

type Attempt =
  | { readonly kind: "passed" }
  | { readonly kind: "refused"; readonly detail: string }
  | { readonly kind: "again"; readonly detail: string; readonly retryAfterMs?: number };

/**
 * Calls a webhook; never rejects.
 *
 * Any 2xx passes (Flagger takes 200 to 202 only, against its documentation). Connection errors, 429 and 5xx but 501 are
 * tried again as often as `retries` says. Source: flagger-spec 6.2 and 10.3.17.
 */
export async function callWebhook(
  hook: CanaryWebhook,
  payload: WebhookPayload,
  context: { readonly http: OutboundHttp; readonly clock: Clock; readonly signal: AbortSignal },
): Promise<WebhookAnswer> {
  const attemptCount = 1 + Math.min(MAX_RETRY_COUNT, Math.max(0, Math.trunc(hook.retries ?? 0)));
  let detail = "";
  for (let index = 0; index < attemptCount; index++) {
    const attempt = await attemptWebhook(hook, payload, context);
    if (attempt.kind === "passed") return { isPassed: true, detail: "" };
    detail = attempt.detail;
    if (attempt.kind === "refused") return { isPassed: false, detail };
    const isLast = index === attemptCount - 1;
    const delayMs = Math.min(MAX_BACKOFF_MS, attempt.retryAfterMs ?? 1000 * 2 ** index);
    if (!isLast) await sleep(context.clock, delayMs, context.signal);
    if (context.signal.aborted) break;
  }
  const tries = attemptCount === 1 ? "" : ` giving up after ${attemptCount} attempts`;
  return { isPassed: false, detail: `POST ${hook.url}${tries}: ${detail}` };
}

async function attemptWebhook(
  hook: CanaryWebhook,
  payload: WebhookPayload,
  { http, signal }: { http: OutboundHttp; signal: AbortSignal },
): Promise<Attempt> {
  try {
    const response = await request(hook.url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(payload),
      dispatcher: hook.disableTLS === true ? http.insecure : http.dispatcher,
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutOf(hook))]),
    });
    const { text } = await readBounded(response.body, MAX_BODY_BYTES);
    return judge(response.statusCode, text.trim(), response.headers["retry-after"]);
  } catch (thrown) {
    return { kind: "again", detail: explain(thrown, hook) };
  }
}

function judge(status: number, body: string, retryAfter: string | string[] | undefined): Attempt {
  if (status >= 200 && status < 300) return { kind: "passed" };
  const detail = body === "" ? `the hook answered ${status}` : body;
  const isTransient = status === 429 || (status >= 500 && status !== 501);
  if (!isTransient) return { kind: "refused", detail };
  const seconds = Number(Array.isArray(retryAfter) ? retryAfter[0] : retryAfter);
  return { kind: "again", detail, ...(seconds > 0 ? { retryAfterMs: seconds * 1000 } : {}) };
}

function timeoutOf(hook: CanaryWebhook): number {
  const parsed = parseDuration(hook.timeout ?? "");
  return parsed.ok && parsed.value > 0 ? parsed.value : DEFAULT_TIMEOUT_MS;
}

function explain(thrown: unknown, hook: CanaryWebhook): string {
  if (thrown instanceof Error && thrown.name === "TimeoutError") return `no answer within ${timeoutOf(hook)} ms`;
  return messageOf(thrown);
}

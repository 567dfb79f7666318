import { type Clock, isObject, messageOf, redact } from "#base";
import { request } from "undici";
import { formsOf, type OutboundHttp, plainText, readBounded, retryAfterMs, secretsOf } from "../gates/index.ts";
import type { AlertRequest } from "./formats/alert-request.ts";
import type { Receiver } from "./receiver.ts";

/** A message on its way. */
export interface Letter {
  readonly receiver: Receiver;
  readonly request: AlertRequest;
  readonly canaryRef: string;
  readonly isTerminal: boolean;
}

export type Delivery =
  | { readonly kind: "sent" }
  | { readonly kind: "refused"; readonly detail: string }
  | { readonly kind: "again"; readonly detail: string; readonly retryAfterMs?: number };

/** Source: flagger-spec 7. */
const TIMEOUT_MS = 5000;
const MAX_BODY_BYTES = 4096;
const MAX_DETAIL_LENGTH = 200;

/** Sends a message once; never rejects. Details hold no secret of the receiver. */
export async function deliver(
  letter: Letter,
  { http, clock, signal }: { readonly http: OutboundHttp; readonly clock: Clock; readonly signal: AbortSignal },
): Promise<Delivery> {
  const { receiver } = letter;
  const late = new AbortController();
  const cancel = clock.after(TIMEOUT_MS, () => late.abort());
  try {
    const response = await request(letter.request.url, {
      method: "POST",
      headers: { ...letter.request.headers, "content-type": "application/json" },
      body: JSON.stringify(letter.request.body),
      dispatcher: receiver.proxy === "" ? http.dispatcher : http.through(receiver.proxy),
      signal: AbortSignal.any([signal, late.signal]),
    });
    const { text } = await readBounded(response.body, MAX_BODY_BYTES);
    const afterMs = retryAfterMs(response.headers["retry-after"], clock.nowMs());
    return withoutSecrets(judge({ receiver, status: response.statusCode, body: text }, afterMs), letter);
  } catch (thrown) {
    const detail = late.signal.aborted ? `no answer within ${TIMEOUT_MS} ms` : messageOf(thrown);
    return withoutSecrets({ kind: "again", detail }, letter);
  } finally {
    cancel();
  }
}

function judge(
  { receiver, status, body }: { readonly receiver: Receiver; readonly status: number; readonly body: string },
  afterMs: number | undefined,
): Delivery {
  const again = (detail: string): Delivery => ({
    kind: "again",
    detail,
    ...(afterMs === undefined ? {} : { retryAfterMs: afterMs }),
  });
  const detail = `it answered ${status}: ${body}`;
  if (status === 408 || status === 429 || status >= 500) return again(detail);
  if (status < 200 || status >= 300) return { kind: "refused", detail };
  // Slack's API answers 200 to what it refuses. Source: Slack, "Using the Web API", evaluating responses.
  const answer = receiver.type === "slack" ? parseJson(body) : undefined;
  if (!isObject(answer) || answer.ok !== false) return { kind: "sent" };
  return answer.error === "ratelimited" ? again(detail) : { kind: "refused", detail };
}

function withoutSecrets(delivery: Delivery, { receiver, request }: Letter): Delivery {
  if (delivery.kind === "sent") return delivery;
  const secrets = [receiver.address, receiver.proxy, request.url].flatMap(secretsOf);
  const detail = plainText(redact(delivery.detail, [...secrets, ...formsOf(receiver.token)]), MAX_DETAIL_LENGTH);
  return { ...delivery, detail };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

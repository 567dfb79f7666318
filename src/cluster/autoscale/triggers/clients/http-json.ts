import { type Dispatcher, request } from "undici";
import { unreadable } from "./client-failure.ts";

export interface JsonCall {
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly dispatcher: Dispatcher;
  /** Address of a host, as the trigger's namespace sees it. */
  readonly resolve: (host: string) => string;
  readonly timeoutMs: number;
  readonly maxBodyBytes: number;
  readonly signal: AbortSignal;
}

/** An error page up to this size is read to its end, so that the connection can be used again. */
const MAX_ERROR_BODY_BYTES = 16_384;

/** Gets JSON. @throws Failure `TriggerUnreadable` for another status, a body that is too large or no JSON; undici's errors as they are. */
export async function getJson(call: JsonCall): Promise<unknown> {
  const { url, host } = resolved(call);
  const response = await request(url, {
    dispatcher: call.dispatcher,
    headers: { accept: "application/json", ...call.headers, ...host },
    headersTimeout: call.timeoutMs,
    bodyTimeout: call.timeoutMs,
    signal: call.signal,
  });
  if (response.statusCode !== 200) {
    await response.body.dump({ limit: MAX_ERROR_BODY_BYTES });
    throw unreadable(`the server answered with HTTP status ${response.statusCode}`);
  }
  const text = await readBounded(response.body, call.maxBodyBytes);
  try {
    return JSON.parse(text);
  } catch {
    throw unreadable("the server's answer is no JSON");
  }
}

/**
 * Short names mean something in a namespace only, which the dispatcher does not know. Over TLS the name stays, because the
 * certificate is checked against it.
 */
function resolved({ url, resolve }: JsonCall): { readonly url: URL; readonly host: Readonly<Record<string, string>> } {
  const address = resolve(url.hostname);
  if (url.protocol !== "http:" || address === url.hostname) return { url, host: {} };
  const there = new URL(url);
  there.hostname = address.includes(":") ? `[${address}]` : address;
  return { url: there, host: { host: url.host } };
}

async function readBounded(body: Dispatcher.ResponseData["body"], maxBytes: number): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of body as AsyncIterable<Buffer>) {
    bytes += part.length;
    // Leaving the loop ends the connection.
    if (bytes > maxBytes) throw unreadable(`the server's answer is larger than ${maxBytes} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

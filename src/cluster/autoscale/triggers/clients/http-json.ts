import { type Dispatcher, request } from "undici";
import { unreadable } from "./client-failure.ts";

export interface JsonCall {
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly dispatcher: Dispatcher;
  readonly timeoutMs: number;
  readonly maxBodyBytes: number;
  readonly signal: AbortSignal;
}

/** An error page up to this size is read to its end, so that the connection can be used again. */
const MAX_ERROR_BODY_BYTES = 16_384;

/** Gets JSON. @throws Failure `TriggerUnreadable` for another status, a body that is too large or no JSON; undici's errors as they are. */
export async function getJson(call: JsonCall): Promise<unknown> {
  const response = await request(call.url, {
    dispatcher: call.dispatcher,
    headers: { accept: "application/json", ...call.headers },
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

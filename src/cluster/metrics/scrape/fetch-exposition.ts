import { type Dispatcher, request } from "undici";
import { Failure, messageOf } from "#base";
import { type Exposition, type ExpositionFormat, parseExposition } from "../exposition/parse-exposition.ts";

const ACCEPT =
  "application/openmetrics-text;version=1.0.0;q=0.75,text/plain;version=0.0.4;charset=utf-8;q=0.5,*/*;q=0.1";

/** An error page up to this size is read to its end, so that the connection can be used again. */
const MAX_ERROR_BODY_BYTES = 16_384;

export interface FetchOptions {
  readonly url: string;
  readonly dispatcher: Dispatcher;
  readonly timeoutMs: number;
  readonly maxBodyBytes: number;
  readonly signal: AbortSignal;
}

/** Gets the text of a target and reads it. @throws Failure `ScrapeFailed` */
export async function fetchExposition(options: FetchOptions): Promise<Exposition> {
  const { body, format } = await fetchText(options);
  const parsed = parseExposition(body, format);
  if (!parsed.ok) throw new Failure(parsed.error, { code: "ScrapeFailed" });
  return parsed.value;
}

interface FetchedText {
  readonly body: string;
  readonly format: ExpositionFormat;
}

async function fetchText({ url, dispatcher, timeoutMs, maxBodyBytes, signal }: FetchOptions): Promise<FetchedText> {
  try {
    const response = await request(url, {
      dispatcher,
      headers: {
        accept: ACCEPT,
        "user-agent": "serin-metrics",
        "x-prometheus-scrape-timeout-seconds": `${timeoutMs / 1000}`,
      },
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    if (response.statusCode !== 200) {
      await response.body.dump({ limit: MAX_ERROR_BODY_BYTES });
      throw new Failure(`server returned HTTP status ${response.statusCode}`, { code: "ScrapeFailed" });
    }
    const type = String(response.headers["content-type"] ?? "");
    const format = type.startsWith("application/openmetrics-text") ? "openmetrics" : "prometheus";
    return { body: await readBounded(response.body, maxBodyBytes), format };
  } catch (thrown) {
    if (thrown instanceof Failure) throw thrown;
    throw new Failure(`cannot get ${url}: ${messageOf(thrown)}`, {
      code: "ScrapeFailed",
      retryable: true,
      cause: thrown,
    });
  }
}

async function readBounded(body: Dispatcher.ResponseData["body"], maxBytes: number): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of body as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > maxBytes) {
      // Leaving the loop ends the connection.
      throw new Failure(`the answer is larger than ${maxBytes} bytes`, { code: "ScrapeFailed" });
    }
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

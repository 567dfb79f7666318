import type { IncomingMessage, ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import type { Answer, Sink } from "./answer.ts";
import { render, type RenderOptions } from "./render.ts";

/** A reader that has not taken this much of a stream is cut off; it lists again when it comes back. */
const STREAM_BUFFER_BYTES = 16 * 1024 * 1024;
/** Answers above this size are compressed for those who accept it. Source: apiserver `defaultGzipThresholdBytes`. */
const GZIP_THRESHOLD_BYTES = 128 * 1024;
/** Level 1: on one machine time is dearer than bytes. */
const GZIP_LEVEL = 1;

export interface SendOptions extends RenderOptions {
  readonly warnings: readonly string[];
  /** Aborts when the server closes. */
  readonly closing: AbortSignal;
}

/** Sends an answer; resolves when it is out, or, for a stream, when it has ended. */
export async function sendAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  sending: { answer: Answer; options: SendOptions },
): Promise<void> {
  const { answer, options } = sending;
  if (options.warnings.length > 0)
    response.setHeader(
      "Warning",
      options.warnings.map((text) => `299 - ${quoted(text)}`),
    );
  response.setHeader("Cache-Control", "no-cache, private");
  if (answer.type === "stream") return sendStream(request, response, { answer, closing: options.closing });
  const rendered = render(answer, options);
  const headers: Record<string, string | number> = { "Content-Type": rendered.contentType };
  if (rendered.etag !== undefined) headers["ETag"] = rendered.etag;
  let body = typeof rendered.body === "string" ? Buffer.from(rendered.body) : rendered.body;
  if (body.length > GZIP_THRESHOLD_BYTES && /\bgzip\b/.test(request.headers["accept-encoding"]?.toString() ?? "")) {
    body = gzipSync(body, { level: GZIP_LEVEL });
    headers["Content-Encoding"] = "gzip";
    headers["Vary"] = "Accept-Encoding";
  }
  headers["Content-Length"] = body.length;
  response.writeHead(rendered.code, headers);
  response.end(request.method === "HEAD" ? undefined : body);
}

/** Source: RFC 7230, section 3.2.6: a quoted string; control characters may not stand in a header. */
function quoted(text: string): string {
  return JSON.stringify(Buffer.from(text.replaceAll(/\p{Cc}/gu, " ")).toString("latin1"));
}

interface Streaming {
  readonly answer: Extract<Answer, { type: "stream" }>;
  readonly closing: AbortSignal;
}

async function sendStream(
  request: IncomingMessage,
  response: ServerResponse,
  { answer, closing }: Streaming,
): Promise<void> {
  const gone = new AbortController();
  const leave = (): void => gone.abort();
  response.once("close", leave);
  closing.addEventListener("abort", leave, { once: true });
  if (closing.aborted) leave();
  response.writeHead(200, { "Content-Type": answer.contentType });
  response.flushHeaders();
  const sink: Sink = {
    gone: gone.signal,
    write: (chunk) => {
      if (gone.signal.aborted) return;
      response.write(chunk);
      if (response.writableLength > STREAM_BUFFER_BYTES) request.socket.destroy();
    },
    drained: () =>
      response.writableNeedDrain && !gone.signal.aborted ? drainOf(response, gone.signal) : Promise.resolve(),
  };
  try {
    await answer.run(sink);
  } finally {
    closing.removeEventListener("abort", leave);
    response.end();
  }
}

function drainOf(response: ServerResponse, gone: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off("drain", done);
      gone.removeEventListener("abort", done);
      resolve();
    };
    response.once("drain", done);
    gone.addEventListener("abort", done, { once: true });
  });
}

import { randomUUID } from "node:crypto";
import { headerValue, type RequestHead } from "./http-head.ts";

export interface OwnHeadersOptions {
  readonly head: RequestHead;
  readonly isGateway: boolean;
  readonly remoteAddress: string;
  /** Path and query as the client asked, when they were rewritten. */
  readonly originalPath: string | undefined;
  readonly timeoutMs: number | undefined;
}

/** Ids of clients that are longer are replaced: they end in every log line. */
const REQUEST_ID_MAX = 128;

/** Headers that a sidecar or gateway adds to a request. Source: istio-spec 1.1, item 4. */
export function ownRequestHeaders(options: OwnHeadersOptions): (readonly [name: string, value: string])[] {
  const { head, isGateway, originalPath, timeoutMs } = options;
  const given = headerValue(head.headers, "x-request-id");
  const isKept = given !== undefined && given !== "" && given.length <= REQUEST_ID_MAX;
  const own: [string, string][] = [["x-request-id", isKept ? given : randomUUID()]];
  if (isGateway) {
    const before = headerValue(head.headers, "x-forwarded-for");
    own.push(["x-forwarded-for", before === undefined ? options.remoteAddress : `${before},${options.remoteAddress}`]);
    own.push(["x-forwarded-proto", "http"]);
  } else if (headerValue(head.headers, "x-forwarded-proto") === undefined) own.push(["x-forwarded-proto", "http"]);
  if (originalPath !== undefined) own.push(["x-envoy-original-path", originalPath]);
  if (timeoutMs !== undefined) own.push(["x-envoy-expected-rq-timeout-ms", String(Math.ceil(timeoutMs))]);
  return own;
}

import type { Status } from "#api";
import { Failure, isObject } from "#base";
import { ApiFailure } from "./client.ts";

/** Largest answer that is read whole: far above a full page of 500 objects, far below what would exhaust the process. */
const MAX_BODY_BYTES = 128 * 1024 * 1024;

/** Reads a whole body as text. @throws Failure `ResponseTooLarge` beyond `maxBytes`. */
export async function readText(body: AsyncIterable<Uint8Array>, maxBytes = MAX_BODY_BYTES): Promise<string> {
  const chunks: Uint8Array[] = [];
  let byteCount = 0;
  for await (const chunk of body) {
    byteCount += chunk.byteLength;
    if (byteCount > maxBytes) {
      throw new Failure(`Cannot read the API server's answer: it is larger than ${maxBytes} bytes`, {
        code: "ResponseTooLarge",
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, byteCount).toString("utf8");
}

/** Parses an answer as a JSON object. @throws Failure `InvalidResponse`, which quotes a proxy's page and never an object. */
export function parseObject(text: string, request: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch {
    // Said below, with the text that was received.
  }
  // What broke off may be a Secret.
  const received = /^\s*[{[]/.test(text) ? `${text.length} characters that are none` : `"${text.slice(0, 80)}"`;
  throw new Failure(`Cannot read the answer to ${request}: expected a JSON object, received ${received}`, {
    code: "InvalidResponse",
    retryable: true,
  });
}

/** Turns an error answer into the failure to throw; a body that is no Status (a proxy's page) is quoted. */
export function failureOf(httpStatus: number, text: string, request: string): ApiFailure {
  const status = decodeStatus(text);
  const reason = status?.reason ?? reasonOfHttpStatus(httpStatus);
  const message = status?.message ?? (text.trim().slice(0, 200) || `HTTP status ${httpStatus}`);
  return new ApiFailure(`${request}: ${message}`, { httpStatus, reason, ...(status === undefined ? {} : { status }) });
}

/** Reads a Status out of a parsed value; undefined when it is none. */
export function asStatus(value: unknown): Status | undefined {
  return isObject(value) && value.kind === "Status" ? (value as unknown as Status) : undefined;
}

function decodeStatus(text: string): Status | undefined {
  try {
    return asStatus(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Source: apimachinery `errors.NewGenericServerResponse`. */
function reasonOfHttpStatus(httpStatus: number): string {
  const reasons: Readonly<Record<number, string>> = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    406: "NotAcceptable",
    409: "Conflict",
    410: "Gone",
    413: "RequestEntityTooLarge",
    415: "UnsupportedMediaType",
    422: "Invalid",
    429: "TooManyRequests",
    503: "ServiceUnavailable",
    504: "Timeout",
  };
  return reasons[httpStatus] ?? (httpStatus >= 500 ? "InternalError" : "Unknown");
}

import type { IncomingMessage } from "node:http";
import { Failure } from "#base";
import { PROTOBUF, type ProtobufDecoder } from "../protobuf/index.ts";
import { badRequest, bodyTooLarge, StatusError } from "../status/status-error.ts";

/** Source: apiserver `genericapiserver.Config.MaxRequestBodyBytes`. */
export const BODY_LIMIT_BYTES = 3 * 1024 * 1024;
/** A client that sends slower than this is cut off; it would hold its connection for nothing. */
const BODY_TIMEOUT_MS = 30_000;

export interface Body {
  readonly text: string;
  /** Media type without parameters, in lower case; empty when the client named none. */
  readonly mediaType: string;
}

/**
 * Reads the whole body, up to {@link BODY_LIMIT_BYTES} and {@link BODY_TIMEOUT_MS}. Protobuf becomes JSON here, so that later stages know one form.
 *
 * @throws StatusError 413, 408, or 400 when the body is not UTF-8 or no object in protobuf.
 */
export async function readBody(request: IncomingMessage, protobuf: ProtobufDecoder): Promise<Body> {
  const mediaType = (request.headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
  if (Number(request.headers["content-length"] ?? "0") > BODY_LIMIT_BYTES) throw bodyTooLarge(BODY_LIMIT_BYTES);
  const bytes = await readBytes(request);
  if (mediaType === PROTOBUF) return { text: protobufAsJson(bytes, protobuf), mediaType: "application/json" };
  try {
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes), mediaType };
  } catch {
    throw badRequest("the body of the request is not valid UTF-8");
  }
}

function protobufAsJson(bytes: Uint8Array, protobuf: ProtobufDecoder): string {
  try {
    return JSON.stringify(protobuf.decode(bytes));
  } catch (thrown) {
    if (thrown instanceof Failure) throw badRequest(thrown.message);
    throw thrown;
  }
}

async function readBytes(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let lengthBytes = 0;
  const timer = setTimeout(() => request.destroy(new BodyTimeout()), BODY_TIMEOUT_MS);
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      lengthBytes += chunk.length;
      if (lengthBytes > BODY_LIMIT_BYTES) throw bodyTooLarge(BODY_LIMIT_BYTES);
      chunks.push(chunk);
    }
  } catch (thrown) {
    if (!(thrown instanceof BodyTimeout)) throw thrown;
    throw new StatusError({
      code: 408,
      reason: "Timeout",
      message: `the body of the request took longer than ${BODY_TIMEOUT_MS / 1000}s`,
    });
  } finally {
    clearTimeout(timer);
  }
  return Buffer.concat(chunks);
}

class BodyTimeout extends Error {}

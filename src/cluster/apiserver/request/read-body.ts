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

/** Listens rather than iterates: leaving an iteration early would destroy the connection, and the refusal with it. */
function readBytes(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let lengthBytes = 0;
    const timer = setTimeout(() => settle(() => reject(tooSlow())), BODY_TIMEOUT_MS);
    const onData = (chunk: Buffer): void => {
      lengthBytes += chunk.length;
      if (lengthBytes > BODY_LIMIT_BYTES) settle(() => reject(bodyTooLarge(BODY_LIMIT_BYTES)));
      else chunks.push(chunk);
    };
    const onEnd = (): void => settle(() => resolve(Buffer.concat(chunks)));
    const onError = (thrown: Error): void => settle(() => reject(thrown));
    const onClose = (): void =>
      settle(() => reject(badRequest("the connection closed before the body of the request had ended")));
    function settle(outcome: () => void): void {
      clearTimeout(timer);
      request.off("data", onData).off("end", onEnd).off("close", onClose);
      outcome();
    }
    // The error listener stays: an error without one would end the process.
    request.on("data", onData).on("end", onEnd).on("close", onClose).on("error", onError);
  });
}

function tooSlow(): StatusError {
  const message = `the body of the request took longer than ${BODY_TIMEOUT_MS / 1000}s`;
  return new StatusError({ code: 408, reason: "Timeout", message });
}

/** What is read of a body that has been refused, so that its sender gets to the answer. */
const DISCARD_LIMIT_BYTES = 64 * 1024 * 1024;
const DISCARD_TIMEOUT_MS = 5_000;

/** Reads on without keeping anything, until the body ends or has shown that it does not. */
export function discardBody(request: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    let lengthBytes = 0;
    const timer = setTimeout(resolve, DISCARD_TIMEOUT_MS);
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    request.on("data", (chunk: Buffer) => {
      lengthBytes += chunk.length;
      if (lengthBytes > DISCARD_LIMIT_BYTES) done();
    });
    request.once("close", done).once("end", done).once("error", done);
    request.resume();
  });
}

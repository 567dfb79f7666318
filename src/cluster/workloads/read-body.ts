import type { IncomingMessage } from "node:http";
import { Failure } from "#base";

/**
 * Reads a message's body.
 *
 * @throws Failure `BodyTooLarge` beyond the limit; the rest of the body is left unread.
 */
export async function readBody(message: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let byteCount = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    byteCount += chunk.length;
    if (byteCount > bytesMax)
      throw new Failure(`Cannot read the body: it is over ${bytesMax} bytes`, { code: "BodyTooLarge" });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

import { Failure } from "#base";

const NEWLINE = 0x0a;

/**
 * Splits a byte stream into its lines. A last line without an end is dropped: the connection broke within it.
 *
 * @throws Failure `LineTooLong` beyond `maxBytes` in one line.
 */
export async function* splitLines(body: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<string> {
  let rest: Buffer[] = [];
  let restBytes = 0;
  for await (const bytes of body) {
    let chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE)) {
      const line = Buffer.concat([...rest, chunk.subarray(0, end)]).toString("utf8");
      rest = [];
      restBytes = 0;
      chunk = chunk.subarray(end + 1);
      if (line.trim() !== "") yield line;
    }
    restBytes += chunk.length;
    if (restBytes > maxBytes) {
      throw new Failure(`Cannot read the stream: a line is longer than ${maxBytes} bytes`, { code: "LineTooLong" });
    }
    if (chunk.length > 0) rest.push(chunk);
  }
}

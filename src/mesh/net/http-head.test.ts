import { createServer, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BodyDecoder, MalformedBody } from "./body-decoder.ts";
import { findHeadEnd, hasBareLineFeed, parseRequestHead, parseResponseHead, type RequestHead } from "./http-head.ts";

function parse(lines: readonly string[]): ReturnType<typeof parseRequestHead> {
  return parseRequestHead(`${lines.join("\r\n")}\r\n\r\n`);
}

function headOf(lines: readonly string[]): RequestHead {
  const parsed = parse(lines);
  if (!parsed.ok) throw new Error(parsed.fault.reason);
  return parsed.head;
}

test("parseRequestHead reads the parts of a request", () => {
  const head = headOf([
    "POST /a?b=c HTTP/1.1",
    "Host: shop:8080",
    "X-One:  spaced \t",
    "Connection: Upgrade, X-Hop",
    "Upgrade: websocket",
    "Content-Length: 12",
    "Expect: 100-Continue",
  ]);
  expect(head).toMatchObject({
    method: "POST",
    target: "/a?b=c",
    minorVersion: 1,
    host: "shop:8080",
    framing: { kind: "length", lengthBytes: 12 },
    keepsAlive: true,
    connectionOptions: ["upgrade", "x-hop"],
    upgrade: "websocket",
    expectsContinue: true,
  });
  expect(head.headers.slice(2, 4)).toEqual(["x-one", "spaced"]);
});

test.each([
  ["both lengths", ["POST / HTTP/1.1", "Host: a", "Content-Length: 1", "Transfer-Encoding: chunked"], 400],
  ["two equal lengths", ["POST / HTTP/1.1", "Host: a", "Content-Length: 1", "Content-Length: 1"], 400],
  ["a list of lengths", ["POST / HTTP/1.1", "Host: a", "Content-Length: 1, 1"], 400],
  ["a signed length", ["POST / HTTP/1.1", "Host: a", "Content-Length: +1"], 400],
  ["a hexadecimal length", ["POST / HTTP/1.1", "Host: a", "Content-Length: 0x1"], 400],
  ["a length beyond counting", ["POST / HTTP/1.1", "Host: a", "Content-Length: 9999999999999999"], 400],
  ["another coding", ["POST / HTTP/1.1", "Host: a", "Transfer-Encoding: gzip"], 501],
  ["chunked twice", ["POST / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], 501],
  ["chunked not last", ["POST / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked, identity"], 501],
  ["a coding in HTTP/1.0", ["POST / HTTP/1.0", "Host: a", "Transfer-Encoding: chunked"], 400],
  ["a blank before the colon", ["GET / HTTP/1.1", "Host : a"], 400],
  ["a folded header", ["GET / HTTP/1.1", "Host: a", "X: a", " b"], 400],
  ["an empty header name", ["GET / HTTP/1.1", "Host: a", ": a"], 400],
  ["a line without a colon", ["GET / HTTP/1.1", "Host: a", "abc"], 400],
  ["NUL in a value", ["GET / HTTP/1.1", "Host: a", "X: a\0b"], 400],
  ["CR in a value", ["GET / HTTP/1.1", "Host: a", "X: a\rb"], 400],
  ["LF in a value", ["GET / HTTP/1.1", "Host: a", "X: a\nTransfer-Encoding: chunked"], 400],
  ["two hosts", ["GET / HTTP/1.1", "Host: a", "Host: b"], 400],
  ["no host", ["GET / HTTP/1.1", "X: a"], 400],
  ["a host with a path", ["GET / HTTP/1.1", "Host: a/b"], 400],
  ["a host with a user", ["GET / HTTP/1.1", "Host: u@a"], 400],
  ["a blank in the target", ["GET /a b HTTP/1.1", "Host: a"], 400],
  ["a fragment", ["GET /a#b HTTP/1.1", "Host: a"], 400],
  ["a method that is no token", ["GE(T / HTTP/1.1", "Host: a"], 400],
  ["HTTP/2", ["GET / HTTP/2.0", "Host: a"], 505],
  ["no version", ["GET /", "Host: a"], 400],
  [
    "too many headers",
    ["GET / HTTP/1.1", "Host: a", ...Array.from({ length: 100 }, (_, index) => `x-${index}: 1`)],
    431,
  ],
])("parseRequestHead refuses %s", (_, lines, status) => {
  expect(parse(lines)).toMatchObject({ ok: false, fault: { status } });
});

test("hasBareLineFeed finds lines that end in LF alone", () => {
  expect(hasBareLineFeed(Buffer.from("GET / HTTP/1.1\nhost: a\n\n"))).toBe(true);
  expect(hasBareLineFeed(Buffer.from("GET / HTTP/1.1\r\nhost: a\r\n"))).toBe(false);
});

test.each([
  ["HEAD", "200", "none"],
  ["GET", "204", "none"],
  ["GET", "304", "none"],
  ["GET", "200", "length"],
] as const)("parseResponseHead frames the answer %s %s as %s", (method, status, kind) => {
  const parsed = parseResponseHead(`HTTP/1.1 ${status} Fine\r\nContent-Length: 5\r\n\r\n`, method);
  expect(parsed).toMatchObject({ ok: true, head: { status: Number(status), framing: { kind } } });
});

test("parseResponseHead takes what has no length up to the end of the connection", () => {
  expect(parseResponseHead("HTTP/1.1 200\r\n\r\n", "GET")).toMatchObject({
    ok: true,
    head: { framing: { kind: "untilClose" }, keepsAlive: false, reason: "" },
  });
  expect(parseResponseHead("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5, max=9\r\n\r\n", "GET")).toMatchObject({
    ok: true,
    head: { idleTimeoutSeconds: 5 },
  });
  expect(parseResponseHead("ICY 200 OK\r\n\r\n", "GET").ok).toBe(false);
  expect(parseResponseHead("HTTP/1.1 2000 OK\r\n\r\n", "GET").ok).toBe(false);
});

/** Decodes a chunked body that arrives in pieces of the sizes. */
function decodeChunked(bytes: Buffer, sizes: readonly number[]): { data: string; restBytes: number } {
  const decoder = new BodyDecoder({ kind: "chunked" });
  let data = "";
  let position = 0;
  for (const size of [...sizes, bytes.length]) {
    const piece = bytes.subarray(position, position + size);
    const stopped = decoder.decode(piece, { start: 0, end: piece.length }, (slice) => {
      data += slice.toString("latin1");
    });
    position += stopped;
    if (decoder.isDone) break;
  }
  expect(decoder.isDone).toBe(true);
  return { data, restBytes: bytes.length - position };
}

test("BodyDecoder gives the same body however a chunked stream is cut", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 30 }),
      (chunks, sizes) => {
        const texts = chunks.map((chunk) => Buffer.from(chunk).toString("latin1"));
        const framed = texts.map((text) => `${text.length.toString(16)};x=1\r\n${text}\r\n`).join("");
        const bytes = Buffer.from(`${framed}0\r\nTrailer: 1\r\n\r\nNEXT`, "latin1");
        expect(decodeChunked(bytes, sizes)).toEqual({ data: texts.join(""), restBytes: 4 });
      },
    ),
    { seed: 7, numRuns: 200 },
  );
});

test.each([
  "g\r\n",
  "\r\n",
  "1\nx",
  "1\r\nxx\r\n",
  "1\r\nx\n",
  "fffffffff\r\n",
  "-1\r\n",
  "0x1\r\n",
  "1 \r\n",
  "1\r\nx\r\n0\r\na\nb\r\n\r\n",
])("BodyDecoder refuses %j", (text) => {
  const bytes = Buffer.from(text);
  const decoder = new BodyDecoder({ kind: "chunked" });
  expect(() => decoder.decode(bytes, { start: 0, end: bytes.length }, () => undefined)).toThrow(MalformedBody);
});

/** What node:http (llhttp in its strict mode) makes of the same bytes. */
interface Seen {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly string[];
  readonly body: string;
}

let peerPort = 0;
let onPeerRequest: (seen: Seen) => void = () => undefined;
const peer = createServer((request: IncomingMessage, response) => {
  const parts: Buffer[] = [];
  request.on("error", () => undefined);
  request.on("data", (data: Buffer) => parts.push(data));
  request.on("end", () => {
    const headers = request.rawHeaders.map((text, index) => (index % 2 === 0 ? text.toLowerCase() : text));
    const body = Buffer.concat(parts).toString("latin1");
    onPeerRequest({ method: request.method ?? "", target: request.url ?? "", headers, body });
    response.end();
  });
});

beforeAll(
  () =>
    new Promise<void>((resolve) =>
      peer.listen(0, "127.0.0.1", () => {
        const address = peer.address();
        peerPort = typeof address === "object" && address !== null ? address.port : 0;
        resolve();
      }),
    ),
);
afterAll(
  () =>
    new Promise((resolve) => {
      peer.closeAllConnections();
      peer.close(resolve);
    }),
);

/** The first request that node:http sees in the bytes; undefined when it refuses them. */
function askPeer(bytes: Buffer): Promise<Seen | undefined> {
  return new Promise((resolve) => {
    let seen: Seen | undefined;
    onPeerRequest = (request) => {
      seen ??= request;
    };
    const socket = connect(peerPort, "127.0.0.1", () => socket.end(bytes));
    socket.on("error", () => undefined);
    socket.on("data", () => socket.destroy());
    socket.on("close", () => resolve(seen));
  });
}

/** The first request that we see in the bytes; undefined when we refuse them or wait for more. */
function readOurs(bytes: Buffer): Seen | undefined {
  const end = findHeadEnd(bytes, 0);
  if (end < 0) return undefined;
  const parsed = parseRequestHead(bytes.toString("latin1", 0, end));
  if (!parsed.ok) return undefined;
  const decoder = new BodyDecoder(parsed.head.framing);
  let body = "";
  try {
    decoder.decode(bytes, { start: end, end: bytes.length }, (data) => {
      body += data.toString("latin1");
    });
  } catch (thrown) {
    if (thrown instanceof MalformedBody) return undefined;
    throw thrown;
  }
  if (!decoder.isDone) return undefined;
  return { method: parsed.head.method, target: parsed.head.target, headers: parsed.head.headers, body };
}

// Only methods that node:http knows: it refuses others, which a proxy must not.
const method = fc.constantFrom("GET", "POST", "PUT", "DELETE", "GE T", "OPTIONS");
const target = fc.constantFrom("/", "/a?b=c", "/%00", "*", "http://shop/x", "/a b", "/\u00e9", "/a#b", "");
const version = fc.constantFrom("HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/1.2", "http/1.1", "HTTP/1.1 ");
const oddLine = fc.constantFrom(
  "Host: shop",
  "host: shop:80",
  "Content-Length: 3",
  "Content-Length: 03",
  "Content-Length: 3 ",
  "Content-Length:",
  "Content-Length: -3",
  "Transfer-Encoding: chunked",
  "Transfer-Encoding: Chunked",
  "Transfer-Encoding:\tchunked",
  "Transfer-Encoding: xchunked",
  "Transfer-Encoding : chunked",
  "X: plain",
  "X: \u00fcml\u00e4ut",
  "X: a\x01b",
  "X: a\x7fb",
  "X:",
  " folded",
  "X\0: a",
  "nocolon",
);
const line = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom("Content-Length: 3", "Transfer-Encoding: chunked", "X: plain") },
  { weight: 1, arbitrary: oddLine },
);
// Most requests have a host, or hardly one would be accepted.
const lines = fc
  .tuple(fc.boolean(), fc.array(line, { maxLength: 3 }))
  .map(([hasHost, own]) => (hasHost ? ["Host: shop", ...own] : own));
const body = fc.constantFrom(
  "",
  "abc",
  "abcd",
  "3\r\nabc\r\n0\r\n\r\n",
  "3;e=1\r\nabc\r\n0\r\n\r\n",
  "3\nabc\r\n0\r\n\r\n",
  "03\r\nabc\r\n0\r\nT: 1\r\n\r\n",
  "4\r\nabc\r\n0\r\n\r\n",
);
const ending = fc.constantFrom("\r\n", "\r\n", "\r\n", "\n");

test("whatever we accept, node:http accepts too and understands in the same way", async () => {
  let acceptedCount = 0;
  await fc.assert(
    fc.asyncProperty(method, target, version, lines, body, ending, async (...parts) => {
      const [verb, path, protocol, headers, rest, end] = parts;
      const bytes = Buffer.from(`${verb} ${path} ${protocol}${end}${headers.join(end)}${end}${end}${rest}`, "latin1");
      const ours = readOurs(bytes);
      if (ours === undefined) return;
      acceptedCount++;
      expect(await askPeer(bytes)).toEqual(ours);
    }),
    { seed: 11, numRuns: 6000 },
  );
  expect(acceptedCount).toBeGreaterThan(100);
});

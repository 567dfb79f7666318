/**
 * Parser of HTTP/1 message heads: strict, and of heads only. Everything that two parsers could read differently is
 * refused, because that is what request smuggling lives from.
 *
 * Source: RFC 9110, RFC 9112 (sections 2.2, 3, 5, 6), and the list of traps in RFC 9112 section 11.2.
 */

/** Above it a request is answered 431. */
export const HEAD_BYTES_MAX = 64 * 1024;
const HEADER_COUNT_MAX = 100;

/** How a message's body ends. */
export type BodyFraming =
  | { readonly kind: "none" }
  | { readonly kind: "length"; readonly lengthBytes: number }
  | { readonly kind: "chunked" }
  | { readonly kind: "untilClose" };

interface MessageHead {
  readonly minorVersion: 0 | 1;
  /** Names in lower case and values, alternating, in the order of the message. */
  readonly headers: readonly string[];
  readonly framing: BodyFraming;
  readonly keepsAlive: boolean;
  /** Lower-case names that the Connection header lists. */
  readonly connectionOptions: readonly string[];
  /** Protocol of a wanted or granted switch; undefined when Connection does not say "upgrade". */
  readonly upgrade: string | undefined;
  /** Bytes of the head on the wire. */
  readonly headBytes: number;
}

export interface RequestHead extends MessageHead {
  readonly method: string;
  readonly target: string;
  readonly host: string | undefined;
  readonly expectsContinue: boolean;
}

export interface ResponseHead extends MessageHead {
  readonly status: number;
  readonly reason: string;
  /** Seconds an idle connection is kept, as the server's Keep-Alive header says. */
  readonly idleTimeoutSeconds: number | undefined;
}

/** Why a head is refused: the status to answer and a sentence for the log. */
export interface HeadFault {
  readonly status: 400 | 431 | 501 | 505;
  readonly reason: string;
}

export type HeadResult<T> = { readonly ok: true; readonly head: T } | { readonly ok: false; readonly fault: HeadFault };

const NO_BODY: BodyFraming = { kind: "none" };
const CHUNKED: BodyFraming = { kind: "chunked" };
const UNTIL_CLOSE: BodyFraming = { kind: "untilClose" };
const NO_OPTIONS: readonly string[] = [];

/** 1 for characters of a token, such as methods and header names. */
const TOKEN = table("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

function table(characters: string): Uint8Array {
  const marks = new Uint8Array(256);
  for (const character of characters) marks[character.charCodeAt(0)] = 1;
  return marks;
}

const HEAD_END = Buffer.from("\r\n\r\n");

/** Index just after the head's empty line; -1 when it is not there yet. */
export function findHeadEnd(bytes: Buffer, start: number): number {
  const index = bytes.indexOf(HEAD_END, start);
  return index < 0 ? -1 : index + 4;
}

/** True when an unfinished head has a line that ends in LF alone, so that it would never be finished. */
export function hasBareLineFeed(bytes: Buffer): boolean {
  for (let index = bytes.indexOf(10); index >= 0; index = bytes.indexOf(10, index + 1)) {
    if (index === 0 || bytes[index - 1] !== 13) return true;
  }
  return false;
}

/** Parses a request's head, its empty line included. */
export function parseRequestHead(text: string): HeadResult<RequestHead> {
  const lineEnd = text.indexOf("\r\n");
  const first = text.indexOf(" ");
  const last = text.lastIndexOf(" ", lineEnd);
  if (first <= 0 || last <= first || first >= lineEnd) return fault(400, "the request line has no three parts");
  const method = text.slice(0, first);
  const target = text.slice(first + 1, last);
  if (!isToken(text, 0, first)) return fault(400, "the method is no token");
  if (!isTarget(target)) return fault(400, "the request target has characters that none can have");
  const minorVersion = parseVersion(text.slice(last + 1, lineEnd));
  if (minorVersion === undefined) return fault(505, "the version is neither HTTP/1.1 nor HTTP/1.0");
  const fields = parseFields(text, lineEnd + 2);
  if (typeof fields === "string") return fault(fields === TOO_MANY ? 431 : 400, fields);
  if (fields.hostCount > 1) return fault(400, "there are several Host headers");
  if (minorVersion === 1 && fields.hostCount === 0) return fault(400, "there is no Host header");
  if (fields.hostCount === 1 && !isHost(fields.host)) return fault(400, "the Host header is no host");
  const framing = requestFraming(fields, minorVersion);
  if (typeof framing === "string") return fault(framing === UNKNOWN_CODING ? 501 : 400, framing);
  const options = connectionOptions(fields);
  // Written out, as below: spreading an object in the hottest function of all costs more than all of its parsing.
  return {
    ok: true,
    head: {
      method,
      target,
      minorVersion,
      headBytes: text.length,
      headers: fields.headers,
      framing,
      connectionOptions: options,
      keepsAlive: keepsAlive(minorVersion, options),
      upgrade: upgradeOf(fields, options),
      host: fields.hostCount === 0 ? undefined : fields.host,
      expectsContinue: minorVersion === 1 && fields.expect.toLowerCase() === "100-continue",
    },
  };
}

/** Parses a response's head. The request's method decides about the body: HEAD has none. */
export function parseResponseHead(text: string, requestMethod: string): HeadResult<ResponseHead> {
  const lineEnd = text.indexOf("\r\n");
  const minorVersion = parseVersion(text.slice(0, 8));
  const statusText = text.slice(9, 12);
  const hasShape = text.charCodeAt(8) === 32 && /^[1-5]\d\d$/.test(statusText);
  if (minorVersion === undefined || !hasShape) return fault(400, "the status line is none of HTTP/1");
  const after = text.charCodeAt(12);
  if (lineEnd < 12 || (lineEnd > 12 && after !== 32)) return fault(400, "the status line is none of HTTP/1");
  const reason = text.slice(13, lineEnd);
  if (!isFieldValue(reason)) return fault(400, "the reason has characters that none can have");
  const fields = parseFields(text, lineEnd + 2);
  if (typeof fields === "string") return fault(400, fields);
  const status = Number(statusText);
  const framing = responseFraming(fields, { status, requestMethod });
  if (typeof framing === "string") return fault(400, framing);
  const options = connectionOptions(fields);
  return {
    ok: true,
    head: {
      status,
      reason,
      minorVersion,
      headBytes: text.length,
      headers: fields.headers,
      framing,
      connectionOptions: options,
      keepsAlive: keepsAlive(minorVersion, options) && framing.kind !== "untilClose",
      upgrade: upgradeOf(fields, options),
      idleTimeoutSeconds: idleTimeoutOf(fields.keepAlive),
    },
  };
}

function fault(status: HeadFault["status"], reason: string): { readonly ok: false; readonly fault: HeadFault } {
  return { ok: false, fault: { status, reason } };
}

function parseVersion(text: string): 0 | 1 | undefined {
  if (text === "HTTP/1.1") return 1;
  return text === "HTTP/1.0" ? 0 : undefined;
}

/** What parsing the fields notes on its way, so that nothing is searched twice. */
interface Fields {
  readonly headers: string[];
  host: string;
  hostCount: number;
  contentLength: string | undefined;
  contentLengthCount: number;
  transferEncoding: string | undefined;
  connection: string;
  upgrade: string;
  expect: string;
  keepAlive: string;
}

const TOO_MANY = `there are more than ${HEADER_COUNT_MAX} headers`;

/** Reads header lines up to the empty line; a sentence when one is malformed. */
function parseFields(text: string, start: number): Fields | string {
  const fields: Fields = {
    headers: [],
    host: "",
    hostCount: 0,
    contentLength: undefined,
    contentLengthCount: 0,
    transferEncoding: undefined,
    connection: "",
    upgrade: "",
    expect: "",
    keepAlive: "",
  };
  const end = text.length - 2;
  let position = start;
  while (position < end) {
    const lineEnd = text.indexOf("\r\n", position);
    const colon = text.indexOf(":", position);
    if (colon <= position || colon > lineEnd) return "a header line has no name";
    if (!isToken(text, position, colon)) return "a header name is no token";
    const value = trimmed(text, colon + 1, lineEnd);
    if (!isFieldValue(value)) return "a header value has characters that none can have";
    if (fields.headers.length >= 2 * HEADER_COUNT_MAX) return TOO_MANY;
    note(fields, text.slice(position, colon).toLowerCase(), value);
    position = lineEnd + 2;
  }
  return fields;
}

function note(fields: Fields, name: string, value: string): void {
  fields.headers.push(name, value);
  switch (name) {
    case "host":
      fields.host = value;
      fields.hostCount++;
      break;
    case "content-length":
      fields.contentLength = value;
      fields.contentLengthCount++;
      break;
    case "transfer-encoding":
      fields.transferEncoding = fields.transferEncoding === undefined ? value : `${fields.transferEncoding},${value}`;
      break;
    case "connection":
      fields.connection = fields.connection === "" ? value : `${fields.connection},${value}`;
      break;
    case "upgrade":
      fields.upgrade = value;
      break;
    case "expect":
      fields.expect = value;
      break;
    case "keep-alive":
      fields.keepAlive = value;
      break;
    default:
  }
}

function isToken(text: string, start: number, end: number): boolean {
  for (let index = start; index < end; index++) if (TOKEN[text.charCodeAt(index)] !== 1) return false;
  return end > start;
}

function trimmed(text: string, start: number, end: number): string {
  let from = start;
  let to = end;
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}

/** Visible characters, blanks and bytes above 127; no control character, so no bare CR, LF or NUL. */
function isFieldValue(value: string): boolean {
  for (let index = 0; index < value.length; index++) {
    const code = value.charCodeAt(index);
    if ((code < 32 && code !== 9) || code === 127) return false;
  }
  return true;
}

/** Visible ASCII without a fragment. Source: RFC 3986. */
function isTarget(target: string): boolean {
  for (let index = 0; index < target.length; index++) {
    const code = target.charCodeAt(index);
    if (code <= 32 || code >= 127 || code === 35) return false;
  }
  return target.length > 0;
}

/** A host with an optional port; the empty one is allowed by RFC 9110 and matches no route. */
export function isHost(host: string): boolean {
  return /^(?:[A-Za-z0-9._~%!$&'()*+,;=-]*|\[[0-9A-Fa-f:.]+\])(?::\d{0,5})?$/.test(host);
}

const UNKNOWN_CODING = "a transfer coding other than chunked is not supported";

function requestFraming(fields: Fields, minorVersion: 0 | 1): BodyFraming | string {
  const { transferEncoding } = fields;
  if (transferEncoding !== undefined) {
    if (fields.contentLengthCount > 0) return "there are both Transfer-Encoding and Content-Length";
    if (minorVersion === 0) return "HTTP/1.0 has no Transfer-Encoding";
    return transferEncoding.toLowerCase() === "chunked" ? CHUNKED : UNKNOWN_CODING;
  }
  return lengthFraming(fields) ?? NO_BODY;
}

function responseFraming(
  fields: Fields,
  { status, requestMethod }: { status: number; requestMethod: string },
): BodyFraming | string {
  const { transferEncoding } = fields;
  if (transferEncoding !== undefined && fields.contentLengthCount > 0)
    return "there are both Transfer-Encoding and Content-Length";
  const length = lengthFraming(fields);
  if (typeof length === "string") return length;
  if (requestMethod === "HEAD" || status < 200 || status === 204 || status === 304) return NO_BODY;
  if (transferEncoding !== undefined) return transferEncoding.toLowerCase() === "chunked" ? CHUNKED : UNKNOWN_CODING;
  return length ?? UNTIL_CLOSE;
}

function lengthFraming(fields: Fields): BodyFraming | string | undefined {
  const { contentLength } = fields;
  if (contentLength === undefined) return undefined;
  if (fields.contentLengthCount > 1) return "there are several Content-Length headers";
  if (!/^\d{1,15}$/.test(contentLength)) return "the Content-Length is no length";
  const lengthBytes = Number(contentLength);
  return lengthBytes === 0 ? NO_BODY : { kind: "length", lengthBytes };
}

function connectionOptions({ connection }: Fields): readonly string[] {
  if (connection === "") return NO_OPTIONS;
  return connection
    .toLowerCase()
    .split(",")
    .map((option) => option.trim());
}

function keepsAlive(minorVersion: 0 | 1, options: readonly string[]): boolean {
  return minorVersion === 1 ? !options.includes("close") : options.includes("keep-alive");
}

function upgradeOf({ upgrade }: Fields, options: readonly string[]): string | undefined {
  return upgrade !== "" && options.includes("upgrade") ? upgrade : undefined;
}

function idleTimeoutOf(keepAlive: string): number | undefined {
  if (keepAlive === "") return undefined;
  const match = /(?:^|[\s,;])timeout=(\d{1,6})/i.exec(keepAlive);
  return match === null ? undefined : Number(match[1]);
}

/** Value of a header by lower-case name, several joined by commas; undefined when there is none. */
export function headerValue(headers: readonly string[], name: string): string | undefined {
  let found: string | undefined;
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index] !== name) continue;
    const value = headers[index + 1] ?? "";
    found = found === undefined ? value : `${found},${value}`;
  }
  return found;
}

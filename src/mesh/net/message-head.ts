import type { HeaderEdit } from "../routing/header-edit.ts";
import type { RequestHead, ResponseHead } from "./http-head.ts";

/** Headers between two neighbours only; each side of the proxy writes its own. Source: RFC 9110, 7.6.1. */
const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Request headers that the proxy writes itself. */
const REWRITTEN = new Set([...HOP_BY_HOP, "host", "expect", "content-length", "x-envoy-attempt-count"]);

export interface UpstreamHeadOptions {
  readonly head: RequestHead;
  /** Path and query to ask for. */
  readonly target: string;
  readonly edits: readonly HeaderEdit[];
  /** Headers that the proxy sets, over those of the request. */
  readonly own: readonly (readonly [name: string, value: string])[];
  /** At the edge of the mesh, headers that steer the proxy are not taken from the outside. */
  readonly isFromOutside: boolean;
  readonly upgrade: string | undefined;
}

/** Writes the head of a request to an endpoint, without the last lines that differ between attempts ({@link endUpstreamHead}). */
export function writeUpstreamHead(options: UpstreamHeadOptions, authority: string): string {
  const { head, edits } = options;
  const lines = edits.length === 0 ? undefined : passedHeaders(options);
  let text = `${head.method} ${options.target} HTTP/1.1\r\nhost: ${authority}\r\n`;
  if (lines === undefined) text += joinPassed(options);
  else text += joinHeaders(applyEdits(lines, edits));
  for (const [name, value] of options.own) text += `${name}: ${value}\r\n`;
  if (head.framing.kind === "length") text += `content-length: ${head.framing.lengthBytes}\r\n`;
  else if (head.framing.kind === "chunked") text += "transfer-encoding: chunked\r\n";
  else if (hasZeroLength(head)) text += "content-length: 0\r\n";
  if (options.upgrade !== undefined) text += `connection: upgrade\r\nupgrade: ${options.upgrade}\r\n`;
  return text;
}

/** Ends the head for one attempt, counted from 1. */
export function endUpstreamHead(text: string, attemptNumber: number): string {
  return `${text}x-envoy-attempt-count: ${attemptNumber}\r\n\r\n`;
}

function hasZeroLength(head: RequestHead): boolean {
  for (let index = 0; index < head.headers.length; index += 2)
    if (head.headers[index] === "content-length") return true;
  return false;
}

function isPassed(name: string, options: UpstreamHeadOptions): boolean {
  if (REWRITTEN.has(name) || options.head.connectionOptions.includes(name)) return false;
  if (options.isFromOutside && name.startsWith("x-envoy-")) return false;
  for (const [own] of options.own) if (own === name) return false;
  return true;
}

function joinPassed(options: UpstreamHeadOptions): string {
  const { headers } = options.head;
  let text = "";
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] ?? "";
    if (isPassed(name, options)) text += `${name}: ${headers[index + 1]}\r\n`;
  }
  return text;
}

function passedHeaders(options: UpstreamHeadOptions): string[] {
  const { headers } = options.head;
  const passed: string[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] ?? "";
    if (isPassed(name, options)) passed.push(name, headers[index + 1] ?? "");
  }
  return passed;
}

/** Applies a route's header operations to names and values that alternate. */
export function applyEdits(headers: readonly string[], edits: readonly HeaderEdit[]): string[] {
  let result = [...headers];
  for (const edit of edits) {
    if (edit.kind !== "add") result = result.filter((_, index) => result[index - (index % 2)] !== edit.name);
    if (edit.kind !== "remove") result.push(edit.name, edit.value);
  }
  return result;
}

function joinHeaders(headers: readonly string[]): string {
  let text = "";
  for (let index = 0; index < headers.length; index += 2) text += `${headers[index]}: ${headers[index + 1]}\r\n`;
  return text;
}

export interface DownstreamHeadOptions {
  readonly head: ResponseHead;
  readonly edits: readonly HeaderEdit[];
  readonly added: readonly (readonly [name: string, value: string])[];
  readonly serviceTimeMs: number;
  readonly framing: DownstreamFraming;
  readonly keepsAlive: boolean;
  /** The client speaks HTTP/1.0, which does not keep a connection unless told so. */
  readonly isOldClient: boolean;
}

/** How the response's body is delimited towards the client. */
export type DownstreamFraming = "asIs" | "chunked" | "close";

/** Writes a response's head for the client. Source of `server` and the service time: istio-spec 1.1. */
export function writeDownstreamHead(options: DownstreamHeadOptions): string {
  const { head, edits } = options;
  let passed: string[] = [];
  let text = `HTTP/1.1 ${head.status} ${head.reason}\r\n`;
  for (let index = 0; index < head.headers.length; index += 2) {
    const name = head.headers[index] ?? "";
    if (!isPassedDown(name, options)) continue;
    if (edits.length === 0) text += `${name}: ${head.headers[index + 1]}\r\n`;
    else passed.push(name, head.headers[index + 1] ?? "");
  }
  if (edits.length > 0) passed = applyEdits(passed, edits);
  text += joinHeaders(passed);
  for (const [name, value] of options.added) text += `${name}: ${value}\r\n`;
  if (head.status === 101)
    return `${text}connection: upgrade\r\nupgrade: ${head.upgrade ?? ""}\r\nserver: istio-envoy\r\n\r\n`;
  if (options.framing === "chunked") text += "transfer-encoding: chunked\r\n";
  text += `x-envoy-upstream-service-time: ${options.serviceTimeMs}\r\nserver: istio-envoy\r\n`;
  return `${text}${connectionLine(options)}\r\n`;
}

function isPassedDown(name: string, { head, framing }: DownstreamHeadOptions): boolean {
  if (HOP_BY_HOP.has(name) || name === "server" || name === "x-envoy-upstream-service-time") return false;
  if (name === "content-length") return framing === "asIs" && head.status !== 204;
  return !head.connectionOptions.includes(name);
}

function connectionLine({ keepsAlive, isOldClient }: { keepsAlive: boolean; isOldClient: boolean }): string {
  if (!keepsAlive) return "connection: close\r\n";
  return isOldClient ? "connection: keep-alive\r\n" : "";
}

export interface LocalReplyOptions {
  readonly status: number;
  /** Characters are bytes. */
  readonly body: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly edits: readonly HeaderEdit[];
  readonly date: string;
  readonly isHead: boolean;
  readonly keepsAlive: boolean;
  readonly isOldClient: boolean;
}

/** Writes a whole response that the proxy makes itself. */
export function writeLocalReply(options: LocalReplyOptions): string {
  const { status, body, isHead } = options;
  const hasBody = status !== 204 && status !== 304;
  const own: string[] = body === "" ? [] : ["content-type", "text/plain"];
  for (const [name, value] of options.headers) own.push(name, value);
  let text = `HTTP/1.1 ${status} ${REASON[status] ?? "Unknown"}\r\n${joinHeaders(applyEdits(own, options.edits))}`;
  if (hasBody) text += `content-length: ${body.length}\r\n`;
  text += `date: ${options.date}\r\nserver: istio-envoy\r\n${connectionLine(options)}\r\n`;
  return isHead || !hasBody ? text : text + body;
}

const REASON: Readonly<Record<number, string>> = {
  200: "OK",
  201: "Created",
  202: "Accepted",
  204: "No Content",
  301: "Moved Permanently",
  302: "Found",
  303: "See Other",
  304: "Not Modified",
  307: "Temporary Redirect",
  308: "Permanent Redirect",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  409: "Conflict",
  413: "Payload Too Large",
  418: "I'm a teapot",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
};

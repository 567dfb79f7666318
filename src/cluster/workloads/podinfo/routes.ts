import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { Failure } from "#base";
import { readBody } from "../read-body.ts";
import { sendRequest } from "../send-request.ts";
import type { LineLog } from "../line-log.ts";
import type { RequestMetrics } from "./request-metrics.ts";
import type { PodinfoSettings } from "./settings.ts";

/** What a handler may read and change. */
export interface PodinfoContext {
  readonly settings: PodinfoSettings;
  readonly log: LineLog;
  readonly metrics: RequestMetrics;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Ends the process; `/panic` calls it. */
  readonly exit: (code: number) => void;
  readonly health: { isHealthy: boolean; isReady: boolean };
  /** Aborted when requests in flight must end. */
  readonly signal: AbortSignal;
}

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Captures of the route's pattern. */
  readonly captures: readonly string[];
  readonly context: PodinfoContext;
}

export interface Route {
  readonly pattern: RegExp;
  /** Label `path` of the metrics. Source: podinfo's urlToLabel: the route's template, runs of other characters as `_`. */
  readonly label: string;
  /** Requests of users: faults, random delays and errors apply to them, not to probes and scrapes. */
  readonly isOrdinary: boolean;
  handle(exchange: Exchange): void | Promise<void>;
}

const BODY_BYTES_MAX = 1024 * 1024;
const DELAY_SECONDS_MAX = 600;

/** Finds the route of a path; the captures are decoded no further, all of them are digits. */
export function findRoute(path: string): { route: Route; captures: readonly string[] } | undefined {
  for (const route of routes) {
    const match = route.pattern.exec(path);
    if (match !== null) return { route, captures: match.slice(1) };
  }
  return undefined;
}

const routes: readonly Route[] = [
  { pattern: /^\/$/, label: "root", isOrdinary: true, handle: info },
  { pattern: /^\/api\/info$/, label: "api_info", isOrdinary: true, handle: info },
  { pattern: /^\/version$/, label: "version", isOrdinary: true, handle: version },
  { pattern: /^\/echo$/, label: "echo", isOrdinary: true, handle: echo },
  { pattern: /^\/api\/echo$/, label: "api_echo", isOrdinary: true, handle: echo },
  { pattern: /^\/env$/, label: "env", isOrdinary: true, handle: environment },
  { pattern: /^\/headers$/, label: "headers", isOrdinary: true, handle: headers },
  { pattern: /^\/delay\/(\d+)$/, label: "delay_wait_0_9", isOrdinary: true, handle: delay },
  { pattern: /^\/status\/(\d+)$/, label: "status_code", isOrdinary: true, handle: status },
  { pattern: /^\/panic$/, label: "panic", isOrdinary: true, handle: panic },
  { pattern: /^\/healthz$/, label: "healthz", isOrdinary: false, handle: healthz },
  { pattern: /^\/readyz$/, label: "readyz", isOrdinary: false, handle: readyz },
  { pattern: /^\/readyz\/enable$/, label: "readyz_enable", isOrdinary: false, handle: (x) => setReady(x, true) },
  { pattern: /^\/readyz\/disable$/, label: "readyz_disable", isOrdinary: false, handle: (x) => setReady(x, false) },
  { pattern: /^\/metrics$/, label: "metrics", isOrdinary: false, handle: scrape },
];

/** Sends JSON with podinfo's indentation. */
export function sendJson(response: ServerResponse, statusCode: number, value: unknown): void {
  const body = JSON.stringify(value, undefined, 2);
  response.writeHead(statusCode, {
    "content-type": "application/json; charset=utf-8",
    "x-content-type-options": "nosniff",
    "content-length": Buffer.byteLength(body),
  });
  response.end(body);
}

function info({ response, context: { settings } }: Exchange): void {
  sendJson(response, 200, {
    hostname: settings.hostname,
    version: settings.version,
    revision: "unknown",
    color: settings.flags["ui-color"],
    logo: settings.flags["ui-logo"],
    message: settings.message,
    goos: process.platform,
    goarch: process.arch,
    runtime: `node ${process.version}`,
  });
}

function version({ response, context: { settings } }: Exchange): void {
  sendJson(response, 200, { version: settings.version, commit: "unknown" });
}

/** Answers the body, or with `--backend-url` what the backends answer to it. */
async function echo({ request, response, context }: Exchange): Promise<void> {
  const body = await readBody(request, BODY_BYTES_MAX);
  const backends = context.settings.flags["backend-url"];
  if (backends.length === 0) {
    response.writeHead(202, { "content-type": request.headers["content-type"] ?? "text/plain; charset=utf-8" });
    response.end(body);
    return;
  }
  const answers = await Promise.all(backends.map((url) => callBackend({ url, body, request, context })));
  const failed = answers.filter((answer) => !answer.ok);
  for (const { text } of failed) context.log.error("backend call failed", { error: text });
  sendJson(
    response,
    failed.length > 0 ? 500 : 202,
    answers.map(({ text }) => text),
  );
}

/** Headers that a trace or a router reads and that a service passes on. Source: podinfo's copyTracingHeaders. */
const PASSED_HEADERS = [
  "x-request-id",
  "x-b3-traceid",
  "x-b3-spanid",
  "x-b3-parentspanid",
  "x-b3-sampled",
  "traceparent",
];

async function callBackend(call: {
  url: string;
  body: Buffer;
  request: IncomingMessage;
  context: PodinfoContext;
}): Promise<{ ok: boolean; text: string }> {
  const { settings, signal, env } = call.context;
  const passed = PASSED_HEADERS.flatMap((name) => {
    const value = call.request.headers[name];
    return typeof value === "string" ? [[name, value] as const] : [];
  });
  try {
    const answer = await sendRequest({
      method: "POST",
      url: new URL(call.url),
      headers: { ...Object.fromEntries(passed), "x-api-version": settings.version },
      body: call.body,
      timeoutMs: settings.flags["http-client-timeout"],
      bodyBytesMax: BODY_BYTES_MAX,
      env,
      signal,
    });
    const isError = answer.status >= 400;
    return { ok: !isError, text: isError ? `${call.url} answered ${answer.status}` : answer.body.toString("utf8") };
  } catch (thrown) {
    return { ok: false, text: `${call.url}: ${thrown instanceof Error ? thrown.message : String(thrown)}` };
  }
}

function environment({ response, context: { env } }: Exchange): void {
  sendJson(
    response,
    200,
    Object.entries(env).map(([name, value]) => `${name}=${value ?? ""}`),
  );
}

function headers({ request, response }: Exchange): void {
  sendJson(response, 200, request.headersDistinct);
}

async function delay({ response, captures, context: { signal } }: Exchange): Promise<void> {
  const seconds = Math.min(Number(captures[0]), DELAY_SECONDS_MAX);
  await sleep(seconds * 1000, undefined, { signal });
  sendJson(response, 200, { delay: seconds });
}

function status({ response, captures }: Exchange): void {
  const code = Number(captures[0]);
  if (code < 200 || code > 599) sendJson(response, 400, { code: 400, message: "status must be from 200 to 599" });
  else if (code === 204 || code === 304) response.writeHead(code).end();
  else sendJson(response, code, { status: code });
}

function panic({ context }: Exchange): void {
  context.log.error("Panic command received");
  context.exit(255);
}

function healthz({ response, context: { health } }: Exchange): void {
  if (health.isHealthy) sendJson(response, 200, { status: "OK" });
  else response.writeHead(503).end();
}

function readyz({ response, context: { health } }: Exchange): void {
  if (health.isReady) sendJson(response, 200, { status: "OK" });
  else response.writeHead(503).end();
}

function setReady({ response, context: { health } }: Exchange, isReady: boolean): void {
  health.isReady = isReady;
  response.writeHead(202).end();
}

async function scrape({ response, context: { metrics } }: Exchange): Promise<void> {
  const text = await metrics.text();
  response.writeHead(200, { "content-type": metrics.contentType }).end(text);
}

/** Answers what a handler threw. */
export function sendFailure(response: ServerResponse, thrown: unknown): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const code = thrown instanceof Failure && thrown.code === "BodyTooLarge" ? 413 : 500;
  // What is unread of the request would be taken for the next one.
  response.setHeader("connection", "close");
  sendJson(response, code, { code, message: thrown instanceof Error ? thrown.message : String(thrown) });
}

import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { Failure } from "#base";
import type { LineLog } from "../line-log.ts";
import { readBody } from "../read-body.ts";
import type { Gates } from "./gates.ts";
import { type CanaryPayload, decodePayload } from "./payload.ts";
import type { Answer, TaskRunner } from "./tasks.ts";

export interface LoadtesterContext {
  readonly gates: Gates;
  readonly tasks: TaskRunner;
  readonly log: LineLog;
  /** Payloads of other namespaces are refused; undefined allows all. */
  readonly namespacePattern: RegExp | undefined;
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
}

const BODY_BYTES_MAX = 1024 * 1024;
const OK: Answer = { status: 200, body: "OK" };
const FORBIDDEN: Answer = { status: 403, body: "Forbidden" };

type PayloadHandler = (payload: CanaryPayload, context: LoadtesterContext) => Answer | Promise<Answer>;

/** What needs the payload of a canary, by path. Source: Flagger's pkg/loadtester/server.go. */
const handlers: Readonly<Record<string, PayloadHandler>> = {
  "/gate/check": (payload, context) => checkGate(gateKey(payload), context),
  "/gate/open": (payload, context) => openGate(gateKey(payload), context),
  "/gate/close": (payload, context) => closeGate(gateKey(payload), context),
  "/rollback/check": (payload, context) => checkGate(rollbackKey(payload), context),
  "/rollback/open": (payload, context) => openGate(rollbackKey(payload), context),
  "/rollback/close": (payload, context) => closeGate(rollbackKey(payload), context),
  "/": (payload, context) => {
    if (Object.keys(payload.metadata).length === 0) return { status: 400, body: "metadata not found in payload" };
    return context.tasks.run(payload);
  },
};

/** Creates the load tester's listener: health and fixed gates first, then everything that reads a payload. */
export function createLoadtesterListener(context: LoadtesterContext): RequestListener {
  return (request, response) => {
    answer(request, response, context).catch((thrown: unknown) => {
      const status = thrown instanceof Failure && thrown.code === "BodyTooLarge" ? 413 : 500;
      // What is unread of the request would be taken for the next one.
      if (!response.headersSent) response.setHeader("connection", "close");
      send(response, { status, body: thrown instanceof Error ? thrown.message : String(thrown) });
    });
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, context: LoadtesterContext): Promise<void> {
  const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
  if (path === "/metrics") {
    response.writeHead(200, { "content-type": context.metrics.contentType }).end(await context.metrics.text());
    return;
  }
  if (path === "/healthz" || path === "/gate/approve") return send(response, OK);
  if (path === "/gate/halt") return send(response, FORBIDDEN);
  const handler = Object.hasOwn(handlers, path) ? handlers[path] : undefined;
  if (handler === undefined) return send(response, { status: 404, body: "404 page not found" });
  const payload = decodePayload(await readBody(request, BODY_BYTES_MAX));
  if (!payload.ok) {
    context.log.error("request refused", { path, error: payload.error });
    return send(response, { status: 400, body: payload.error });
  }
  if (context.namespacePattern?.test(payload.value.namespace) === false) {
    context.log.warn("request refused: the namespace does not match", { path, namespace: payload.value.namespace });
    return send(response, FORBIDDEN);
  }
  send(response, await handler(payload.value, context));
}

function send(response: ServerResponse, { status, body }: Answer): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(body);
}

function gateKey({ name, namespace }: CanaryPayload): string {
  return `${name}.${namespace}`;
}

function rollbackKey(payload: CanaryPayload): string {
  return `rollback.${gateKey(payload)}`;
}

function checkGate(key: string, { gates, log }: LoadtesterContext): Answer {
  const isOpen = gates.isOpen(key);
  log.info(isOpen ? "gate is open" : "gate is closed", { gate: key });
  return isOpen ? { status: 200, body: "Approved" } : FORBIDDEN;
}

function openGate(key: string, { gates, log }: LoadtesterContext): Answer {
  if (!gates.open(key)) return { status: 503, body: "too many gates are open; close some first" };
  log.info("gate opened", { gate: key });
  return { status: 202, body: "" };
}

function closeGate(key: string, { gates, log }: LoadtesterContext): Answer {
  gates.close(key);
  log.info("gate closed", { gate: key });
  return { status: 202, body: "" };
}

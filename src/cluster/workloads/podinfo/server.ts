import { randomInt } from "node:crypto";
import type { RequestListener, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { createTurnstile, type Turnstile } from "./capacity.ts";
import { createErrorSpread } from "./fault.ts";
import { findRoute, type PodinfoContext, sendFailure, sendJson } from "./routes.ts";

/** Creates the listener of the main port: metrics around, then the pod's capacity, faults and random trouble, then the route. */
export function createPodinfoListener(context: PodinfoContext): RequestListener {
  const mustFail = createErrorSpread(context.settings.fault.errorPercent);
  const turnstile = createTurnstile(context.settings.capacity);
  return (request, response) => {
    const startedMs = performance.now();
    const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
    const found = findRoute(path);
    const method = request.method ?? "GET";
    context.log.debug("request started", { method, uri: request.url, remote: request.socket.remoteAddress });
    response.once("finish", () => {
      const label = { method, path: found?.route.label ?? "not_found", status: response.statusCode };
      context.metrics.observe(label, (performance.now() - startedMs) / 1000);
    });
    if (found === undefined) {
      sendJson(response, 404, { code: 404, message: `no route for ${path}` });
      return;
    }
    const { route, captures } = found;
    const answer = async (): Promise<void> => {
      if (route.isOrdinary && (await isSpoiled(context, response, mustFail))) return;
      await route.handle({ request, response, captures, context });
    };
    const answered = route.isOrdinary ? inTurn({ context, response, turnstile }, answer) : answer();
    answered.catch((thrown: unknown) => sendFailure(response, thrown));
  };
}

/** Answers when it is the request's turn; a pod with more to do than it can refuses. */
async function inTurn(
  of: { readonly context: PodinfoContext; readonly response: ServerResponse; readonly turnstile: Turnstile },
  answer: () => Promise<void>,
): Promise<void> {
  const { context, response, turnstile } = of;
  const { capacity, version } = context.settings;
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  if (!(await turnstile.enter(gone.signal))) {
    sendJson(response, 503, { code: 503, version, message: "capacity: as many requests as may wait are waiting" });
    return;
  }
  try {
    if (capacity.serviceMs > 0) await sleep(capacity.serviceMs, undefined, { signal: context.signal });
    await answer();
  } finally {
    turnstile.leave();
  }
}

/** Applies faults and random trouble; true when the request was answered with an error. */
async function isSpoiled(context: PodinfoContext, response: ServerResponse, mustFail: () => boolean): Promise<boolean> {
  const { fault, flags, version } = context.settings;
  const isFailing = mustFail();
  let delayMs = fault.latencyMs;
  if (flags["random-delay"]) {
    const unitMs = flags["random-delay-unit"] === "s" ? 1000 : 1;
    delayMs += randomInt(flags["random-delay-min"], flags["random-delay-max"] + 1) * unitMs;
  }
  if (delayMs > 0) await sleep(delayMs, undefined, { signal: context.signal });
  if (isFailing) {
    // The version tells whoever counts errors whose they are.
    sendJson(response, 500, { code: 500, version, message: "fault: this share of requests is made to fail" });
    return true;
  }
  // Source: podinfo's randomErrorMiddleware: one request in three, with one of three codes.
  if (flags["random-error"] && randomInt(3) === 0) {
    const code = [500, 400, 409][randomInt(3)] ?? 500;
    sendJson(response, code, { code, message: "random error" });
    return true;
  }
  return false;
}

/** Creates the listener of `--port-metrics`: /metrics and /healthz. */
export function createMetricsListener(context: PodinfoContext): RequestListener {
  return (request, response) => {
    const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
    const found = path === "/metrics" || path === "/healthz" ? findRoute(path) : undefined;
    if (found === undefined) {
      response.writeHead(404).end();
      return;
    }
    Promise.resolve(found.route.handle({ request, response, captures: [], context })).catch((thrown: unknown) =>
      sendFailure(response, thrown),
    );
  };
}

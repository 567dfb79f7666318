import { DecoratorHandler, type Dispatcher } from "undici";
import { Failure } from "#base";
import type { Span, Tracer } from "./tracer.ts";

interface Outbound {
  readonly dispatcher: Dispatcher;
  readonly insecure: Dispatcher;
}

/**
 * Makes each request to metrics servers and hooks a span, with method, host and status; the same when nothing is traced.
 * Paths, queries and headers are left out: they carry tokens.
 */
export function tracedHttp<T extends Outbound>(http: T, tracer: Tracer): T {
  if (!tracer.isOn) return http;
  const trace = (dispatcher: Dispatcher): Dispatcher => dispatcher.compose(tracing(tracer));
  return { ...http, dispatcher: trace(http.dispatcher), insecure: trace(http.insecure) };
}

function tracing(tracer: Tracer): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) => {
    const host = URL.canParse(String(options.origin)) ? new URL(String(options.origin)).host : "unknown";
    const attributes = { "http.request.method": options.method, "server.address": host };
    let isAccepted = true;
    const ended = tracer.span(`http ${options.method}`, attributes, (span) => {
      return new Promise<void>((resolve, reject) => {
        const fail = (): void => reject(new Failure("Cannot get an answer", { code: "NoAnswer" }));
        isAccepted = dispatch(options, watched(handler, { span, end: resolve, fail }));
      });
    });
    // Whoever asked gets the error from the handler; here it only marks the span.
    ended.catch(() => undefined);
    return isAccepted;
  };
}

/** Passes everything on, and tells when the answer has ended. */
function watched(
  handler: Dispatcher.DispatchHandler,
  told: { readonly span: Span; end(): void; fail(): void },
): Dispatcher.DispatchHandler {
  // The library's own decorator speaks both of its handler protocols.
  const inner: Dispatcher.DispatchHandler = new DecoratorHandler(handler);
  return {
    onRequestStart: (...args) => inner.onRequestStart?.(...args),
    onRequestUpgrade: (...args) => inner.onRequestUpgrade?.(...args),
    onResponseStart(...args) {
      told.span.set({ "http.response.status_code": args[1] });
      inner.onResponseStart?.(...args);
    },
    onResponseData: (...args) => inner.onResponseData?.(...args),
    onResponseEnd(...args) {
      told.end();
      inner.onResponseEnd?.(...args);
    },
    onResponseError(...args) {
      told.fail();
      inner.onResponseError?.(...args);
    },
  };
}

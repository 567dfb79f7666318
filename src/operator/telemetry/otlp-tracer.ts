import { AsyncLocalStorage } from "node:async_hooks";
import { type Context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { Failure, type Log, messageOf } from "#base";
import type { Tracer } from "./tracer.ts";

/** Spans that wait to be sent; beyond it new ones are dropped, since a trace is never worth the memory of its sender. */
const MAX_QUEUED_COUNT = 2048;
const EXPORT_TIMEOUT_MS = 5000;
const CLOSE_TIMEOUT_MS = 5000;

/** Makes a tracer that sends spans to a collector in batches, as JSON over HTTP. */
export function createOtlpTracer(options: {
  readonly url: string;
  readonly version: string;
  readonly log: Log;
}): Tracer {
  const { url, version, log } = options;
  const exporter = new OTLPTraceExporter({ url, timeoutMillis: EXPORT_TIMEOUT_MS });
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ "service.name": "serin-operator", "service.version": version }),
    spanProcessors: [
      new BatchSpanProcessor(exporter, {
        maxQueueSize: MAX_QUEUED_COUNT,
        maxExportBatchSize: 512,
        exportTimeoutMillis: EXPORT_TIMEOUT_MS,
      }),
    ],
  });
  const tracer = provider.getTracer("serin", version);
  /** The span in which this turn of the program works; no global of the library is touched. */
  const current = new AsyncLocalStorage<Context>();

  return {
    isOn: true,
    span(name, attributes, work) {
      const parent = current.getStore() ?? ROOT_CONTEXT;
      const kind = name.startsWith("http ") ? SpanKind.CLIENT : SpanKind.INTERNAL;
      const span = tracer.startSpan(name, { attributes: { ...attributes }, kind }, parent);
      const fail = (thrown: unknown): void => {
        // The code of a failure, never its message: that may quote an address with a password in it.
        span.setStatus({ code: SpanStatusCode.ERROR, message: shortName(thrown) });
      };
      const port = { set: (more: typeof attributes): void => void span.setAttributes({ ...more }) };
      return finished(() => current.run(trace.setSpan(parent, span), () => work(port)), {
        fail,
        end: () => span.end(),
      });
    },
    async close() {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, CLOSE_TIMEOUT_MS);
      });
      const closed = provider.shutdown().catch((thrown: unknown) => {
        log.warn("traces could not be sent", { error: messageOf(thrown) });
      });
      await Promise.race([closed, late]);
      clearTimeout(timer);
    },
  };
}

function shortName(thrown: unknown): string {
  if (thrown instanceof Failure) return thrown.code;
  return thrown instanceof Error ? thrown.name : typeof thrown;
}

/** Runs work that may answer at once or later, and tells how it ended. */
function finished<T>(work: () => T, told: { fail(thrown: unknown): void; end(): void }): T {
  let result: T;
  try {
    result = work();
  } catch (thrown) {
    told.fail(thrown);
    told.end();
    throw thrown;
  }
  if (!(result instanceof Promise)) {
    told.end();
    return result;
  }
  // The caller gets the promise itself; this branch only listens.
  result.then(
    () => told.end(),
    (thrown: unknown) => {
      told.fail(thrown);
      told.end();
    },
  );
  return result;
}

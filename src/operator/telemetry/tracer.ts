/**
 * The door to distributed traces. What is traced is said here in our own words, so that nothing else knows of a library,
 * and the library is loaded only when traces are asked for.
 */

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/** A piece of work that is being traced. */
export interface Span {
  /** Adds what is known only now. Never a secret. */
  set(attributes: SpanAttributes): void;
}

export interface Tracer {
  /** False when nothing is traced, so that nothing need be wrapped. */
  readonly isOn: boolean;
  /** Runs the work within a span; spans that it opens become the span's children. A rejection marks the span and goes on. */
  span<T>(name: string, attributes: SpanAttributes, work: (span: Span) => T): T;
  /** Sends what is held and ends, within a bounded time. */
  close(): Promise<void>;
}

const silentSpan: Span = { set: () => undefined };

/** A tracer that traces nothing. */
export const silentTracer: Tracer = {
  isOn: false,
  span: (_, __, work) => work(silentSpan),
  close: () => Promise.resolve(),
};

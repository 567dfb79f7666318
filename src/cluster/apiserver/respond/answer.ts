import type { KubeObject, ListMeta } from "#api";
import type { Endpoint, Served } from "../registry/endpoint.ts";

/** Where a streaming answer goes. Writing never blocks; a reader that is too slow is cut off. */
export interface Sink {
  write(text: string | Uint8Array): void;
  /** Resolves when the reader has taken most of what was written, or has gone. For sources that can wait. */
  drained(): Promise<void>;
  /** Aborts when the reader has gone, was cut off, or the server closes. */
  readonly gone: AbortSignal;
}

/** The outcome of a request, before it takes the form that the client asked for. */
export type Answer =
  | { readonly type: "object"; readonly code: number; readonly endpoint: Endpoint; readonly served: Served }
  | {
      readonly type: "list";
      readonly endpoint: Endpoint;
      readonly objects: readonly Served[];
      readonly metadata: ListMeta;
    }
  /** A document that has one form only: a Status, a Scale, a token. */
  | { readonly type: "document"; readonly code: number; readonly document: unknown; readonly contentType?: string }
  | { readonly type: "text"; readonly code: number; readonly text: string; readonly contentType: string }
  | {
      readonly type: "bytes";
      readonly code: number;
      readonly bytes: Uint8Array;
      readonly contentType: string;
      readonly etag?: string;
    }
  | { readonly type: "stream"; readonly contentType: string; readonly run: (sink: Sink) => Promise<void> };

/** An object that is not in the store as it is: a dry run's, for example. */
export function unstored(object: KubeObject): Served {
  return { object, json: JSON.stringify(object) };
}

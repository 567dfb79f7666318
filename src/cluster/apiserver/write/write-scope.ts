import type { Endpoint } from "../registry/endpoint.ts";
import type { WriteOptions } from "../request/write-options.ts";
import type { ServerContext } from "../server-context.ts";

/** What every step of a write needs to know. */
export interface WriteScope {
  readonly context: ServerContext;
  readonly endpoint: Endpoint;
  /** Empty for cluster-scoped kinds. */
  readonly namespace: string;
  /** Absent for the main resource. */
  readonly subresource?: string;
  readonly options: WriteOptions;
  /** What reviewers have to say about a write that they let through is added here. */
  readonly warnings: string[];
  /** Time of the write, RFC 3339 in whole seconds. */
  readonly nowIso: string;
}

/** Time as metadata carries it. Source: apimachinery `metav1.Time`, which has whole seconds. */
export function secondsIso(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

import { apiVersionOf, type KubeObject, type Resource } from "#api";
import { isObject } from "#base";
import type { ReflectorInput, RequestFailure } from "./reflector-step.ts";
import { asStatus } from "./response-body.ts";

/** What one line of a watch says: an input of the protocol, or that the stream is over. */
export type WatchLine =
  | Extract<ReflectorInput, { type: "changed" | "removed" | "bookmark" }>
  | { readonly type: "failed"; readonly failure: RequestFailure; readonly reason: string };

/**
 * Reads one line of a watch. A line that makes no sense ends the stream: skipping it could lose a change for good, while
 * watching again from the last version brings it back.
 */
export function decodeWatchLine(line: string, resource: Resource): WatchLine {
  const event = parse(line);
  if (event === undefined || !isObject(event.object)) return garbage(line);
  if (event.type === "ERROR") return serverError(event.object);
  const object = ingest(event.object, resource);
  const resourceVersion = object?.metadata.resourceVersion;
  if (object === undefined || resourceVersion === undefined) return garbage(line);
  switch (event.type) {
    case "ADDED":
    case "MODIFIED":
      return { type: "changed", object, resourceVersion };
    case "DELETED":
      return { type: "removed", object, resourceVersion };
    case "BOOKMARK":
      return { type: "bookmark", resourceVersion };
    default:
      return garbage(line);
  }
}

/**
 * Prepares an object for the store: names its kind, and drops managedFields, which are often half of its size and which
 * nobody reads from a cache. Undefined for what is no object.
 */
export function ingest(value: unknown, resource: Resource): KubeObject | undefined {
  if (!isObject(value) || !isObject(value.metadata)) return undefined;
  const { managedFields: _, ...metadata } = value.metadata;
  return { apiVersion: apiVersionOf(resource), kind: resource.kind, ...value, metadata };
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function garbage(line: string): WatchLine {
  // Not quoted: it may be part of a Secret.
  return { type: "failed", failure: { isExpired: false }, reason: `unreadable line of ${line.length} characters` };
}

function serverError(object: Record<string, unknown>): WatchLine {
  const status = asStatus(object);
  const isExpired = status?.code === 410 || status?.reason === "Expired" || status?.reason === "Gone";
  const retryAfterSeconds = status?.details?.retryAfterSeconds;
  return {
    type: "failed",
    failure: {
      isExpired,
      ...(typeof retryAfterSeconds === "number" ? { retryAfterMs: retryAfterSeconds * 1000 } : {}),
    },
    reason: status?.message ?? "error event without a Status",
  };
}

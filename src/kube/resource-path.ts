import { apiVersionOf, type Resource } from "#api";
import { assert } from "#base";

export interface PathParts {
  /** All namespaces when absent. */
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
}

/**
 * Builds the URL path of a collection, an object or a subresource.
 *
 * Source: Kubernetes API concepts, "Resource URIs": the core group is below `/api`, every other below `/apis/GROUP`.
 */
export function resourcePath(resource: Resource, parts: PathParts = {}): string {
  const root = resource.group === "" ? "/api" : "/apis";
  const segments = [`${root}/${apiVersionOf(resource)}`];
  if (resource.namespaced && parts.namespace !== undefined) {
    segments.push("namespaces", encodeURIComponent(parts.namespace));
  }
  segments.push(resource.plural);
  if (parts.name !== undefined) {
    assert(!resource.namespaced || parts.namespace !== undefined, `a ${resource.kind} is named with its namespace`);
    assert(parts.name !== "", `a ${resource.kind} has a name that is not empty`);
    segments.push(encodeURIComponent(parts.name));
  }
  if (parts.subresource !== undefined) segments.push(parts.subresource);
  return segments.join("/");
}

/** Writes the parameters that have a value as `?a=1&b=2`; empty when none has. */
export function queryOf(parameters: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters)) if (value !== undefined) query.set(key, String(value));
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}

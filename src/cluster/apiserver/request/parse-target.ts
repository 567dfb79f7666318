/** What a URL names: objects of a resource, or one of the server's other paths. */
export type Target = ResourceTarget | { readonly type: "path"; readonly path: string };

export interface ResourceTarget {
  readonly type: "resource";
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  /** Absent for cluster-scoped resources and for requests over all namespaces. */
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
}

/**
 * Reads the six shapes of a resource URL: collection or object, in a namespace or not, with or without a subresource,
 * under `/api/v1` or `/apis/group/version`. Anything else is a plain path.
 *
 * It is the first stage: who may do what, and in which form the answer goes out, both depend on what is asked for.
 *
 * Source: apiserver `request.RequestInfoFactory.NewRequestInfo`.
 */
export function parseTarget(pathname: string): Target {
  const parts = pathname
    .split("/")
    .filter((part) => part !== "")
    .map(decode);
  const isCore = parts[0] === "api" && parts.length >= 3;
  if (!isCore && !(parts[0] === "apis" && parts.length >= 4)) return { type: "path", path: pathname };
  const [group = "", version = ""] = isCore ? ["", parts[1]] : [parts[1], parts[2]];
  return { type: "resource", group, version, ...resourceParts(parts.slice(isCore ? 2 : 3)) };
}

/** Subresources of a namespace; what else follows its name is a resource inside it. */
const NAMESPACE_SUBRESOURCES = new Set(["status", "finalize"]);

function resourceParts(parts: readonly string[]): Omit<ResourceTarget, "type" | "group" | "version"> {
  const [first = "", second, third] = parts;
  if (first === "namespaces" && second !== undefined && third !== undefined && !NAMESPACE_SUBRESOURCES.has(third)) {
    return { namespace: second, ...objectParts(parts.slice(2)) };
  }
  return objectParts(parts);
}

function objectParts(parts: readonly string[]): Omit<ResourceTarget, "type" | "group" | "version"> {
  const [plural = "", name, ...rest] = parts;
  return {
    plural,
    ...(name === undefined ? {} : { name }),
    ...(rest.length === 0 ? {} : { subresource: rest.join("/") }),
  };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    // A stray percent sign: no object has such a name, so the request ends in "not found".
    return part;
  }
}

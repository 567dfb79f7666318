/** What a request does, in Kubernetes' words. */
export interface RequestDescription {
  readonly verb: "get" | "list" | "watch" | "create" | "update" | "patch" | "delete";
  /** Plural and subresource, such as `deployments/scale`; empty for a path that names no kind. */
  readonly resource: string;
}

const WRITES = { POST: "create", PUT: "update", PATCH: "patch", DELETE: "delete" } as const;

/**
 * Reads verb and kind from a request, for counting: names and namespaces are left out, so few differ.
 *
 * Source: Kubernetes API concepts, "Resource URIs"; apiserver `request.RequestInfoFactory`.
 */
export function describeRequest(method: string, path: string): RequestDescription {
  const [pathname = "", query = ""] = path.split("?", 2);
  const parts = pathname.split("/").filter((part) => part !== "");
  const rest = parts[0] === "api" ? parts.slice(2) : parts[0] === "apis" ? parts.slice(3) : [];
  // `namespaces/x` alone is the Namespace itself.
  const [plural = "", name, subresource] = rest[0] === "namespaces" && rest.length > 2 ? rest.slice(2) : rest;
  const resource = subresource === undefined ? plural : `${plural}/${subresource}`;
  if (method !== "GET") return { verb: WRITES[method as keyof typeof WRITES] ?? "get", resource };
  if (/(?:^|&)watch=(?:true|1)(?:&|$)/.test(query)) return { verb: "watch", resource };
  return { verb: plural !== "" && name === undefined ? "list" : "get", resource };
}

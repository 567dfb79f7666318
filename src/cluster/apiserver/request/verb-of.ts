import { methodNotAllowed } from "../status/status-error.ts";
import type { Target } from "./parse-target.ts";

/**
 * Kubernetes' word for what a request does, as roles and messages write it.
 *
 * Source: apiserver `request.RequestInfoFactory`; on plain paths the verb is the method.
 */
export function verbOf(method: string, target: Target, query: URLSearchParams): string {
  if (target.type === "path") return method.toLowerCase();
  const isNamed = target.name !== undefined;
  switch (method) {
    case "GET":
    case "HEAD":
      if (query.get("watch") === "true" || query.get("watch") === "1") return "watch";
      return isNamed ? "get" : "list";
    case "POST":
      return "create";
    case "PUT":
      return "update";
    case "PATCH":
      return "patch";
    case "DELETE":
      return isNamed ? "delete" : "deletecollection";
    default:
      throw methodNotAllowed();
  }
}

import { byResource, pathOf, serve } from "../registry/endpoint.ts";
import type { ApiRequest } from "../request/api-request.ts";
import type { Answer } from "../respond/answer.ts";
import type { ServerContext } from "../server-context.ts";
import { notFound } from "../status/status-error.ts";

/** Reads one object. Every version is the newest here, so a `resourceVersion` in the query changes nothing. */
export function getObject(context: ServerContext, { endpoint, target }: ApiRequest): Answer {
  const name = target.name ?? "";
  const stored = context.store.get(pathOf(endpoint, target.namespace ?? "", name));
  if (stored === undefined) throw notFound(byResource(endpoint, name));
  return { type: "object", code: 200, endpoint, served: serve(endpoint, stored) };
}

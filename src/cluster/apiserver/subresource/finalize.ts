import { isObject } from "#base";
import type { ApiRequest } from "../request/api-request.ts";
import { byResource, pathOf, serve } from "../registry/endpoint.ts";
import { unstored, type Answer } from "../respond/answer.ts";
import type { ServerContext } from "../server-context.ts";
import { methodNotAllowed, notFound, staleWrite } from "../status/status-error.ts";
import { decodeObject } from "../write/decode-object.ts";
import { isFinallyDeleted } from "../write/replace-object.ts";

/** Sets the finalizers in a namespace's spec; without any, a namespace that is being deleted goes. Source: `FinalizeREST`. */
export async function finalizeNamespace(context: ServerContext, request: ApiRequest, method: string): Promise<Answer> {
  const { endpoint, target, body, warnings } = request;
  if (method !== "PUT") throw methodNotAllowed();
  const name = target.name ?? "";
  const wanted = decodeObject({ endpoint, body, fieldValidation: "Ignore", warnings });
  const finalizers = isObject(wanted.spec) ? wanted.spec["finalizers"] : undefined;
  const served = await context.store.transact((transaction) => {
    const stored = transaction.get(pathOf(endpoint, "", name));
    if (stored === undefined) throw notFound(byResource(endpoint, name));
    const { resourceVersion = "" } = wanted.metadata;
    if (resourceVersion !== "" && resourceVersion !== stored.object.metadata.resourceVersion)
      throw staleWrite(byResource(endpoint, name));
    const spec = {
      ...(isObject(stored.object.spec) ? stored.object.spec : {}),
      finalizers: Array.isArray(finalizers) ? finalizers : [],
    };
    const next = { ...stored.object, spec };
    if (!isFinallyDeleted(next)) return serve(endpoint, transaction.put(stored, next));
    transaction.delete(stored);
    return unstored(next);
  });
  return { type: "object", code: 200, endpoint, served };
}

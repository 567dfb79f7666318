import type { ApiRequest } from "../request/api-request.ts";
import { byResource, pathOf, type Served, serve } from "../registry/endpoint.ts";
import { readDeleteOptions } from "../request/delete-options.ts";
import { readListOptions } from "../request/list-options.ts";
import type { Answer } from "../respond/answer.ts";
import type { ServerContext } from "../server-context.ts";
import { methodNotAllowed, notFound } from "../status/status-error.ts";
import { deleteObject } from "../write/delete-object.ts";

/** Kinds whose deletion answers with the object rather than a Status. Source: `ReturnDeletedObject` of their strategies. */
const RETURNS_OBJECT = new Set([
  "/pods",
  "/services",
  "/serviceaccounts",
  "/resourcequotas",
  "/podtemplates",
  "/persistentvolumeclaims",
  "/persistentvolumes",
]);

/** DELETE of one object. */
export async function deleteOne(context: ServerContext, request: ApiRequest): Promise<Answer> {
  const { endpoint, target, query, body } = request;
  const name = target.name ?? "";
  const scope = { endpoint, options: readDeleteOptions(query, body), nowMs: context.clock.nowMs() };
  const { isGone, served } = await context.store.transact((transaction) => {
    const stored = transaction.get(pathOf(endpoint, target.namespace ?? "", name));
    if (stored === undefined) throw notFound(byResource(endpoint, name));
    return deleteObject(scope, transaction, stored);
  });
  if (!isGone || RETURNS_OBJECT.has(endpoint.collection)) return { type: "object", code: 200, endpoint, served };
  const { group, kind } = byResource(endpoint, name);
  const details = { name, ...(group === "" ? {} : { group }), kind, uid: served.object.metadata.uid };
  return {
    type: "document",
    code: 200,
    document: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details },
  };
}

/** DELETE of all objects of a collection that the selectors match; answers with what they were. */
export async function deleteCollection(context: ServerContext, request: ApiRequest): Promise<Answer> {
  const { endpoint, target, query, body } = request;
  const isOneScope = !endpoint.kind.resource.namespaced || target.namespace !== undefined;
  if (!isOneScope || endpoint.collection === "/namespaces") throw methodNotAllowed();
  const selection = readListOptions(query, endpoint, target);
  const scope = { endpoint, options: readDeleteOptions(query, body), nowMs: context.clock.nowMs() };
  const objects = await context.store.transact((transaction) => {
    const deleted: Served[] = [];
    for (const stored of transaction.list(endpoint.collection, target.namespace)) {
      if (selection.matches(serve(endpoint, stored).object))
        deleted.push(deleteObject(scope, transaction, stored).served);
    }
    return deleted;
  });
  return { type: "list", endpoint, objects, metadata: { resourceVersion: String(context.store.revision) } };
}

import type { KubeObject } from "#api";
import type { ApiRequest } from "../request/api-request.ts";
import { readWriteOptions } from "../request/write-options.ts";
import type { Answer } from "../respond/answer.ts";
import type { ServerContext } from "../server-context.ts";
import { badRequest, methodNotAllowed } from "../status/status-error.ts";
import { createObject } from "../write/create-object.ts";
import { decodeObject } from "../write/decode-object.ts";
import { secondsIso } from "../write/write-scope.ts";

/** POST to a collection. */
export async function create(context: ServerContext, request: ApiRequest): Promise<Answer> {
  const { endpoint, target, query, userAgent, body, warnings } = request;
  const options = readWriteOptions(query, "CreateOptions", userAgent);
  const object = decodeObject({ endpoint, body, fieldValidation: options.fieldValidation, warnings });
  if (endpoint.kind.resource.namespaced && target.namespace === undefined) throw methodNotAllowed();
  checkNamespace(object, target.namespace);
  const scope = {
    context,
    endpoint,
    namespace: target.namespace ?? "",
    options,
    warnings,
    nowIso: secondsIso(context.clock.nowMs()),
  };
  const served = await context.store.transact((transaction) =>
    createObject(scope, transaction, { object, isApply: false }),
  );
  return { type: "object", code: 201, endpoint, served };
}

/** @throws StatusError 400 when the object names another namespace than the URL. */
export function checkNamespace({ metadata }: KubeObject, namespace: string | undefined): void {
  if (metadata.namespace === undefined || metadata.namespace === "" || metadata.namespace === (namespace ?? "")) return;
  throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
}

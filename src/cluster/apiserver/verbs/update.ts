import type { KubeObject } from "#api";
import type { Transaction } from "../../store/index.ts";
import type { ApiRequest } from "../request/api-request.ts";
import { byKind, byResource, pathOf, serve, type Endpoint } from "../registry/endpoint.ts";
import { readWriteOptions } from "../request/write-options.ts";
import type { Answer } from "../respond/answer.ts";
import type { ServerContext } from "../server-context.ts";
import { badRequest, invalid, notFound } from "../status/status-error.ts";
import { createObject } from "../write/create-object.ts";
import { decodeObject } from "../write/decode-object.ts";
import { APPLY, type Patch, patchedObject, readPatch } from "../write/patch-object.ts";
import { replaceObject } from "../write/replace-object.ts";
import { secondsIso, type WriteScope } from "../write/write-scope.ts";
import { checkNamespace } from "./create.ts";

/** PUT of an object or of its status. */
export async function update(context: ServerContext, request: ApiRequest): Promise<Answer> {
  const { endpoint, target, body, warnings } = request;
  const scope = scopeOf(context, request, "UpdateOptions");
  const next = decodeObject({ endpoint, body, fieldValidation: scope.options.fieldValidation, warnings });
  checkName(next, target.name ?? "");
  checkNamespace(next, target.namespace);
  checkVersionGiven(endpoint, next);
  const served = await context.store.transact((transaction) => {
    const stored = transaction.get(pathOf(endpoint, scope.namespace, target.name ?? ""));
    if (stored === undefined) throw notFound(byResource(endpoint, target.name ?? ""));
    return replaceObject(scope, transaction, { stored, next, isApply: false });
  });
  return { type: "object", code: 200, endpoint, served };
}

/** PATCH of an object or of its status, in any of the four patch languages. */
export async function patch(context: ServerContext, request: ApiRequest): Promise<Answer> {
  const { endpoint } = request;
  const document = readPatch(endpoint, request.body);
  const isApply = document.mediaType === APPLY;
  const scope = scopeOf(context, request, "PatchOptions");
  if (isApply && !request.query.has("fieldManager")) throw missingManager();
  return context.store.transact((transaction) => patchIn(scope, transaction, { request, document, isApply }));
}

interface PatchInput {
  readonly request: ApiRequest;
  readonly document: Patch;
  readonly isApply: boolean;
}

function patchIn(scope: WriteScope, transaction: Transaction, { request, document, isApply }: PatchInput): Answer {
  const { endpoint, target, warnings } = request;
  const name = target.name ?? "";
  const stored = transaction.get(pathOf(endpoint, scope.namespace, name));
  if (stored === undefined && (!isApply || scope.subresource !== undefined)) throw notFound(byResource(endpoint, name));
  const live = stored === undefined ? undefined : serve(endpoint, stored).object;
  const next = patchedObject(scope, document, { live, warnings });
  checkName(next, name);
  checkNamespace(next, target.namespace);
  if (stored !== undefined) {
    return {
      type: "object",
      code: 200,
      endpoint,
      served: replaceObject(scope, transaction, { stored, next, isApply }),
    };
  }
  const object = { ...next, metadata: { ...next.metadata, name } };
  return { type: "object", code: 201, endpoint, served: createObject(scope, transaction, { object, isApply }) };
}

function scopeOf(context: ServerContext, request: ApiRequest, optionsKind: string): WriteScope {
  const { endpoint, target, query, userAgent, warnings } = request;
  return {
    context,
    endpoint,
    namespace: target.namespace ?? "",
    ...(target.subresource === undefined ? {} : { subresource: target.subresource }),
    options: readWriteOptions(query, optionsKind, userAgent),
    warnings,
    nowIso: secondsIso(context.clock.nowMs()),
  };
}

function checkName({ metadata }: KubeObject, name: string): void {
  if (metadata.name === undefined || metadata.name === "" || metadata.name === name) return;
  throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
}

/** Custom resources cannot be replaced blindly. Source: apiextensions `customResourceStrategy.AllowUnconditionalUpdate`. */
function checkVersionGiven(endpoint: Endpoint, next: KubeObject): void {
  if (endpoint.kind.origin !== "crd" || (next.metadata.resourceVersion ?? "") !== "") return;
  const message = "Invalid value: 0: must be specified for an update";
  throw invalid(byKind(endpoint, next.metadata.name ?? ""), [
    { path: "metadata.resourceVersion", code: "FieldValueInvalid", message },
  ]);
}

function missingManager(): Error {
  const problem = {
    path: "fieldManager",
    code: "FieldValueRequired",
    message: "Required value: is required for apply patch",
  };
  return invalid({ group: "meta.k8s.io", kind: "PatchOptions", name: "" }, [problem]);
}

import type { ApiRequest } from "../request/api-request.ts";
import { readListOptions } from "../request/list-options.ts";
import type { Answer } from "../respond/answer.ts";
import { listObjects } from "../read/list-objects.ts";
import { watchObjects } from "../read/watch-objects.ts";
import type { ServerContext } from "../server-context.ts";
import { methodNotAllowed } from "../status/status-error.ts";
import { handleSubresource } from "../subresource/handle-subresource.ts";
import { handleVirtual } from "../virtual/handle-virtual.ts";
import { create } from "./create.ts";
import { deleteCollection, deleteOne } from "./delete.ts";
import { getObject } from "./get.ts";
import { patch, update } from "./update.ts";

/** Answers a request for a resource, by its method and by whether it names an object. */
export async function handleResource(context: ServerContext, request: ApiRequest, method: string): Promise<Answer> {
  const { virtualVerbs, listed } = request.endpoint;
  const isWhole = request.target.subresource === undefined || listed !== undefined;
  if (virtualVerbs !== undefined && isWhole) return handleVirtual(context, request, method);
  if (request.target.subresource !== undefined) return handleSubresource(context, request, method);
  if (request.target.name === undefined) return handleCollection(context, request, method);
  switch (method) {
    case "GET":
    case "HEAD":
      return isWatch(request) ? read(context, request) : getObject(context, request);
    case "PUT":
      return update(context, request);
    case "PATCH":
      return patch(context, request);
    case "DELETE":
      return deleteOne(context, request);
    default:
      throw methodNotAllowed();
  }
}

async function handleCollection(context: ServerContext, request: ApiRequest, method: string): Promise<Answer> {
  switch (method) {
    case "GET":
    case "HEAD":
      return read(context, request);
    case "POST":
      return create(context, request);
    case "DELETE":
      return deleteCollection(context, request);
    default:
      throw methodNotAllowed();
  }
}

function isWatch(request: ApiRequest): boolean {
  return request.query.get("watch") === "true" || request.query.get("watch") === "1";
}

function read(context: ServerContext, { endpoint, target, query, format }: ApiRequest): Answer {
  const options = readListOptions(query, endpoint, target);
  const { namespace } = target;
  if (!options.isWatch) return listObjects(context.store, { endpoint, namespace, options });
  return watchObjects(context, {
    endpoint,
    namespace,
    options,
    format,
    includeObject: query.get("includeObject") ?? undefined,
  });
}

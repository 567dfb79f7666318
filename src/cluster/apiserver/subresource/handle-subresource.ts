import type { ApiRequest } from "../request/api-request.ts";
import type { Answer } from "../respond/answer.ts";
import type { ServerContext } from "../server-context.ts";
import { methodNotAllowed, notFound, unknownResource } from "../status/status-error.ts";
import { getObject } from "../verbs/get.ts";
import { byResource } from "../registry/endpoint.ts";
import { patch, update } from "../verbs/update.ts";
import { bindPod } from "./binding.ts";
import { evictPod } from "./eviction.ts";
import { refuseConnection } from "./connect.ts";
import { finalizeNamespace } from "./finalize.ts";
import { handleLog } from "./log.ts";
import { handleScale } from "./scale.ts";
import { issueToken } from "./token.ts";

type Handler = (context: ServerContext, request: ApiRequest, method: string) => Promise<Answer>;

/** Parts and actions of built-in kinds; status and scale are offered by every kind that has them. */
const ACTIONS: ReadonlyMap<string, Handler> = new Map([
  ["/pods/log", handleLog],
  ["/pods/binding", bindPod],
  ["/pods/eviction", evictPod],
  ["/pods/exec", refuseConnection],
  ["/pods/attach", refuseConnection],
  ["/pods/portforward", refuseConnection],
  ["/namespaces/finalize", finalizeNamespace],
  ["/serviceaccounts/token", issueToken],
]);

/** Answers a request for a part or an action of an object. */
export async function handleSubresource(context: ServerContext, request: ApiRequest, method: string): Promise<Answer> {
  const { endpoint, target } = request;
  if (target.subresource === "status" && endpoint.kind.hasStatus) return handleStatus(context, request, method);
  if (target.subresource === "scale" && endpoint.kind.scale !== undefined) return handleScale(context, request, method);
  const action = ACTIONS.get(`${endpoint.collection}/${target.subresource ?? ""}`);
  if (action !== undefined) return action(context, request, method);
  // A custom resource without the part is told apart from a built-in one by the real server, too.
  if (endpoint.kind.origin === "crd") throw notFound(byResource(endpoint, target.name ?? ""));
  throw unknownResource();
}

async function handleStatus(context: ServerContext, request: ApiRequest, method: string): Promise<Answer> {
  switch (method) {
    case "GET":
      return getObject(context, request);
    case "PUT":
      return update(context, request);
    case "PATCH":
      return patch(context, request);
    default:
      throw methodNotAllowed();
  }
}

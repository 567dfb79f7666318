import type { ApiRequest } from "../request/api-request.ts";
import { byResource, pathOf } from "../registry/endpoint.ts";
import type { Answer } from "../respond/answer.ts";
import type { ServerContext } from "../server-context.ts";
import { badRequest, notFound, StatusError } from "../status/status-error.ts";
import { textAt } from "../read-field.ts";

/**
 * Tells why no connection into a pod is made: the pod is missing, has no node, or, when it runs, that this server does
 * not offer exec, attach and port-forward.
 */
export async function refuseConnection(context: ServerContext, { endpoint, target }: ApiRequest): Promise<Answer> {
  const name = target.name ?? "";
  const stored = context.store.get(pathOf(endpoint, target.namespace ?? "", name));
  if (stored === undefined) throw notFound(byResource(endpoint, name));
  if (textAt(stored.object, "spec", "nodeName") === "") throw badRequest(`pod ${name} does not have a host assigned`);
  const address = textAt(stored.object, "status", "podIP");
  const instead = address === "" ? "" : `; the pod's ports can be reached at ${address} from this machine`;
  throw new StatusError({
    code: 501,
    reason: "NotImplemented",
    message: `${target.subresource ?? ""} is not offered by the embedded cluster${instead}`,
  });
}

import type { ApiRequest } from "../request/api-request.ts";
import type { Answer } from "../respond/answer.ts";
import type { ServerContext } from "../server-context.ts";
import { answerReview } from "./reviews.ts";
import { answerUsage, USAGE_GROUP } from "./usage-metrics.ts";

/** Answers a request for a resource that is not kept in the store. */
export function handleVirtual(context: ServerContext, request: ApiRequest, method: string): Answer {
  const isUsage = request.endpoint.kind.resource.group === USAGE_GROUP;
  return isUsage ? answerUsage(context, request, method) : answerReview(context, request, method);
}

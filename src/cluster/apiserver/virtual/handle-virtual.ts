import type { ApiRequest } from "../request/api-request.ts";
import type { Answer } from "../respond/answer.ts";
import type { ServerContext } from "../server-context.ts";
import { answerCustomMetric, CUSTOM_METRICS_GROUP } from "./custom-metrics.ts";
import { answerExternalMetric, EXTERNAL_METRICS_GROUP } from "./external-metrics.ts";
import { answerReview } from "./reviews.ts";
import { answerUsage, USAGE_GROUP } from "./usage-metrics.ts";

/** Answers a request for a resource that is not kept in the store. */
export async function handleVirtual(context: ServerContext, request: ApiRequest, method: string): Promise<Answer> {
  switch (request.endpoint.kind.resource.group) {
    case USAGE_GROUP:
      return answerUsage(context, request, method);
    case CUSTOM_METRICS_GROUP:
      return answerCustomMetric(context, request, method);
    case EXTERNAL_METRICS_GROUP:
      return answerExternalMetric(context, request, method);
    default:
      return answerReview(context, request, method);
  }
}

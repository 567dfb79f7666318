import { quantityOfMilli } from "#api";
import { Failure, messageOf } from "#base";
import type { Endpoint } from "../registry/endpoint.ts";
import type { ApiRequest } from "../request/api-request.ts";
import type { Answer } from "../respond/answer.ts";
import { readLabelSelector } from "../select/label-selector.ts";
import type { ServerContext } from "../server-context.ts";
import { internalError, methodNotAllowed, StatusError, unknownResource } from "../status/status-error.ts";
import { secondsIso } from "../write/write-scope.ts";
import { openEndpoint } from "./virtual-endpoint.ts";

export const EXTERNAL_METRICS_GROUP = "external.metrics.k8s.io";
const GROUP = { group: EXTERNAL_METRICS_GROUP, version: "v1beta1" };
const LIST = { kind: "ExternalMetricValueList", apiVersion: `${GROUP.group}/${GROUP.version}` };

/**
 * Metrics that belong to no object. Source: `external.metrics.k8s.io/v1beta1`.
 *
 * Discovery names one resource that stands for all, as KEDA's server does: every series of every program would otherwise be
 * a line of `kubectl api-resources`.
 */
export function externalMetricsEndpoint(): Endpoint {
  return openEndpoint({ ...GROUP, kind: "ExternalMetricValue" }, () => [
    { name: "externalmetrics", singularName: "", namespaced: true, kind: LIST.kind, verbs: ["get"] },
  ]);
}

/** Answers `/namespaces/NAMESPACE/METRIC?labelSelector=…`. */
export async function answerExternalMetric(
  context: ServerContext,
  { target, query }: ApiRequest,
  method: string,
): Promise<Answer> {
  if (method !== "GET" && method !== "HEAD") throw methodNotAllowed();
  const { namespace, plural: metricName, name } = target;
  if (namespace === undefined || name !== undefined) throw unknownResource();
  const selector = readLabelSelector(query.get("labelSelector") ?? "");
  const values = await fromSource(() => context.metrics()?.external.list({ namespace, name: metricName, selector }));
  if (values === undefined) throw metricNotFound(metricName, "externalmetrics");
  const items = values.map(({ labels, value, timestampMs }) => ({
    metricName,
    metricLabels: labels,
    timestamp: secondsIso(timestampMs),
    value: metricQuantity(value),
  }));
  return { type: "document", code: 200, document: { ...LIST, metadata: {}, items } };
}

/** What a source could not do is the answer to the client, not a fault of this server. */
export async function fromSource<T>(ask: () => T | Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (thrown) {
    throw thrown instanceof Failure ? internalError(messageOf(thrown)) : thrown;
  }
}

/** Source: `provider.NewMetricNotFoundError` of the custom metrics API server library. */
export function metricNotFound(metric: string, resource: string, name?: string): StatusError {
  const of = name === undefined ? resource : `${resource} ${name}`;
  return new StatusError({
    code: 404,
    reason: "NotFound",
    message: `the server could not find the metric ${metric} for ${of}`,
  });
}

/** Values have thousandths; what is no number counts as nothing. */
export function metricQuantity(value: number): string {
  const milli = Math.trunc(value * 1000);
  return Number.isFinite(milli) ? quantityOfMilli(milli) : "0";
}

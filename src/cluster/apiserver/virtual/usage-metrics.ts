import { type KubeObject } from "#api";
import { isObject } from "#base";
import type { PodUsage } from "../../node-api.ts";
import type { Endpoint, Served } from "../registry/endpoint.ts";
import type { ApiRequest } from "../request/api-request.ts";
import { readListOptions } from "../request/list-options.ts";
import { type Answer, unstored } from "../respond/answer.ts";
import type { ServerContext } from "../server-context.ts";
import { byResource } from "../registry/endpoint.ts";
import { methodNotAllowed, notFound } from "../status/status-error.ts";
import { secondsIso } from "../write/write-scope.ts";
import { virtualEndpoint } from "./virtual-endpoint.ts";

export const USAGE_GROUP = "metrics.k8s.io";
const GROUP = { group: USAGE_GROUP, version: "v1beta1" };
const VERBS = ["get", "list"];

/** CPU and memory in use, as the metrics server of a cluster tells them. Source: `metrics.k8s.io/v1beta1`. */
export function usageEndpoints(): readonly Endpoint[] {
  return [
    virtualEndpoint({ ...GROUP, kind: "NodeMetrics", plural: "nodes", singular: "", namespaced: false }, VERBS),
    virtualEndpoint({ ...GROUP, kind: "PodMetrics", plural: "pods", singular: "", namespaced: true }, VERBS),
  ];
}

export function answerUsage(context: ServerContext, request: ApiRequest, method: string): Answer {
  const isNodes = request.endpoint.kind.resource.kind === "NodeMetrics";
  return read(request, method, isNodes ? nodeMetrics(context) : podMetrics(context, request.target.namespace));
}

function read({ endpoint, target, query }: ApiRequest, method: string, all: readonly KubeObject[]): Answer {
  if (method !== "GET" && method !== "HEAD") throw methodNotAllowed();
  if (target.name !== undefined) {
    const found = all.find(({ metadata }) => metadata.name === target.name);
    if (found === undefined) throw notFound(byResource(endpoint, target.name));
    return { type: "object", code: 200, endpoint, served: unstored(found) };
  }
  const { matches, isWatch } = readListOptions(query, endpoint, target);
  if (isWatch) throw methodNotAllowed();
  const objects: Served[] = all.filter(matches).map(unstored);
  return { type: "list", endpoint, objects, metadata: { resourceVersion: "" } };
}

function podMetrics({ node, store }: ServerContext, namespace: string | undefined): KubeObject[] {
  const usages = node()?.usage() ?? [];
  return usages
    .filter((usage) => namespace === undefined || usage.namespace === namespace)
    .map((usage) => {
      const labels = store.get({ collection: "/pods", namespace: usage.namespace, name: usage.pod })?.object.metadata
        .labels;
      return {
        kind: "PodMetrics",
        apiVersion: "metrics.k8s.io/v1beta1",
        metadata: {
          name: usage.pod,
          namespace: usage.namespace,
          creationTimestamp: secondsIso(usage.timestampMs),
          ...(labels === undefined ? {} : { labels }),
        },
        timestamp: secondsIso(usage.timestampMs),
        window: windowText(usage),
        containers: usage.containers.map(({ name, cpuCores, memoryBytes }) => ({
          name,
          usage: usageOf(cpuCores, memoryBytes),
        })),
      };
    });
}

/** The one node uses what its pods use. */
function nodeMetrics({ node, store, clock }: ServerContext): KubeObject[] {
  const usages = node()?.usage() ?? [];
  const containers = usages.flatMap((usage) => usage.containers);
  const cpuCores = containers.reduce((sum, container) => sum + container.cpuCores, 0);
  const memoryBytes = containers.reduce((sum, container) => sum + container.memoryBytes, 0);
  const timestamp = secondsIso(usages[0]?.timestampMs ?? clock.nowMs());
  return store
    .list("/nodes")
    .filter(isReady)
    .map(({ name }) => ({
      kind: "NodeMetrics",
      apiVersion: "metrics.k8s.io/v1beta1",
      metadata: { name, creationTimestamp: timestamp },
      timestamp,
      window: usages[0] === undefined ? "0s" : windowText(usages[0]),
      usage: usageOf(cpuCores, memoryBytes),
    }));
}

function isReady({ object }: { readonly object: KubeObject }): boolean {
  const conditions = isObject(object.status) ? object.status["conditions"] : undefined;
  return (
    Array.isArray(conditions) &&
    conditions.some(
      (condition) => isObject(condition) && condition["type"] === "Ready" && condition["status"] === "True",
    )
  );
}

function windowText({ windowMs }: PodUsage): string {
  return `${windowMs / 1000}s`;
}

/** As the metrics server writes quantities: billionths of a core, and binary kilobytes. */
function usageOf(cpuCores: number, memoryBytes: number): object {
  return { cpu: `${Math.round(cpuCores * 1e9)}n`, memory: `${Math.ceil(memoryBytes / 1024)}Ki` };
}

import { type Condition, type KubeObject, setCondition } from "#api";
import { isObject } from "#base";
import type { ApiRequest } from "../request/api-request.ts";
import { byResource, pathOf } from "../registry/endpoint.ts";
import { decodeDocument } from "../request/decode-document.ts";
import type { Answer } from "../respond/answer.ts";
import type { ServerContext } from "../server-context.ts";
import { badRequest, conflict, methodNotAllowed, notFound } from "../status/status-error.ts";
import { secondsIso } from "../write/write-scope.ts";
import { textAt } from "../read-field.ts";

/** Assigns a pod to a node, once. Source: registry `core/pod` `BindingREST`. */
export async function bindPod(
  context: ServerContext,
  { endpoint, target, body }: ApiRequest,
  method: string,
): Promise<Answer> {
  if (method !== "POST") throw methodNotAllowed();
  const name = target.name ?? "";
  const nodeName = targetNode(decodeDocument(body));
  const now = secondsIso(context.clock.nowMs());
  await context.store.transact((transaction) => {
    const path = pathOf(endpoint, target.namespace ?? "", name);
    const stored = transaction.get(path);
    if (stored === undefined) throw notFound(byResource(endpoint, name));
    const bound = textAt(stored.object, "spec", "nodeName");
    const named = { group: "", kind: "pods/binding", name };
    if (stored.object.metadata.deletionTimestamp !== undefined)
      throw conflict(named, `pod ${name} is being deleted, cannot be assigned to a host`);
    if (bound !== "") throw conflict(named, `pod ${name} is already assigned to node ${JSON.stringify(bound)}`);
    transaction.put(path, withNode(stored.object, nodeName, now));
  });
  return {
    type: "document",
    code: 201,
    document: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 },
  };
}

function targetNode(binding: unknown): string {
  const target = isObject(binding) ? binding["target"] : undefined;
  if (!isObject(target) || typeof target["name"] !== "string" || target["name"] === "")
    throw badRequest("a binding must name its target node");
  return target["name"];
}

function withNode(pod: KubeObject, nodeName: string, now: string): KubeObject {
  const status = isObject(pod.status) ? pod.status : {};
  const conditions = Array.isArray(status["conditions"]) ? (status["conditions"] as Condition[]) : undefined;
  return {
    ...pod,
    spec: { ...(isObject(pod.spec) ? pod.spec : {}), nodeName },
    status: { ...status, conditions: setCondition(conditions, { type: "PodScheduled", status: "True" }, now) },
  };
}

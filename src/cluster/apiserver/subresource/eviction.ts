import { type KubeObject, type LabelSelector, matchesSelector } from "#api";
import { isObject } from "#base";
import type { Transaction } from "../../store/index.ts";
import type { ApiRequest } from "../request/api-request.ts";
import { byResource, pathOf } from "../registry/endpoint.ts";
import { decodeDocument } from "../request/decode-document.ts";
import { readDeleteOptions } from "../request/delete-options.ts";
import type { Answer } from "../respond/answer.ts";
import type { ServerContext } from "../server-context.ts";
import { methodNotAllowed, notFound, StatusError } from "../status/status-error.ts";
import { deleteObject } from "../write/delete-object.ts";

/** Deletes a pod unless a disruption budget forbids it. Source: registry `core/pod` `EvictionREST`. */
export async function evictPod(
  context: ServerContext,
  { endpoint, target, body, query }: ApiRequest,
  method: string,
): Promise<Answer> {
  if (method !== "POST") throw methodNotAllowed();
  const name = target.name ?? "";
  const eviction = decodeDocument(body);
  const asked = isObject(eviction) && isObject(eviction["deleteOptions"]) ? eviction["deleteOptions"] : {};
  const options = readDeleteOptions(query, {
    text: JSON.stringify({ ...asked, kind: "DeleteOptions" }),
    mediaType: "application/json",
  });
  await context.store.transact((transaction) => {
    const stored = transaction.get(pathOf(endpoint, target.namespace ?? "", name));
    if (stored === undefined) throw notFound(byResource(endpoint, name));
    checkBudgets(transaction, stored.object);
    deleteObject({ endpoint, options, nowMs: context.clock.nowMs() }, transaction, stored);
  });
  return {
    type: "document",
    code: 201,
    document: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 },
  };
}

function checkBudgets(transaction: Transaction, pod: KubeObject): void {
  const phase = isObject(pod.status) ? pod.status["phase"] : undefined;
  // A pod that does not serve takes nothing away.
  if (
    phase === "Succeeded" ||
    phase === "Failed" ||
    phase === "Pending" ||
    pod.metadata.deletionTimestamp !== undefined
  )
    return;
  for (const { object } of transaction.list("policy/poddisruptionbudgets", pod.metadata.namespace)) {
    const selector = isObject(object.spec) ? (object.spec["selector"] as LabelSelector | undefined) : undefined;
    if (!matchesSelector(selector, pod.metadata.labels)) continue;
    const allowed = isObject(object.status) ? Number(object.status["disruptionsAllowed"] ?? 0) : 0;
    if (allowed > 0) continue;
    const budget = object.metadata.name ?? "";
    throw new StatusError({
      code: 429,
      reason: "TooManyRequests",
      message: "Cannot evict pod as it would violate the pod's disruption budget.",
      details: {
        causes: [{ reason: "DisruptionBudget", message: `The disruption budget ${budget} does not allow it` }],
      },
    });
  }
}

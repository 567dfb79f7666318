import type { KubeObject } from "#api";
import type { Transaction } from "../store/index.ts";
import { createObject } from "./write/create-object.ts";
import { secondsIso } from "./write/write-scope.ts";
import type { ServerContext } from "./server-context.ts";
import { pathOf } from "./registry/endpoint.ts";

/** Namespaces that a cluster starts with. */
const NAMESPACES = ["default", "kube-system", "kube-public", "kube-node-lease"];

/** Creates what every cluster has from its first moment, where it is missing. */
export async function seedObjects(
  context: ServerContext,
  apiAddress: { clusterIP: string; port: number },
): Promise<void> {
  await context.store.transact((transaction) => {
    for (const name of NAMESPACES)
      seed(context, transaction, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
    seed(context, transaction, apiService(apiAddress));
  });
}

function apiService({ clusterIP, port }: { clusterIP: string; port: number }): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "kubernetes", namespace: "default", labels: { component: "apiserver", provider: "kubernetes" } },
    spec: { type: "ClusterIP", clusterIP, ports: [{ name: "https", port: 443, protocol: "TCP", targetPort: port }] },
  };
}

function seed(context: ServerContext, transaction: Transaction, object: KubeObject): void {
  const plural = object.kind === "Namespace" ? "namespaces" : "services";
  const endpoint = context.registry.find("", "v1", plural);
  const { name = "", namespace = "" } = object.metadata;
  if (endpoint === undefined || transaction.get(pathOf(endpoint, namespace, name)) !== undefined) return;
  const options = { isDryRun: false, fieldManager: "serin", fieldValidation: "Strict" as const, isForced: false };
  const scope = { context, endpoint, namespace, options, warnings: [], nowIso: secondsIso(context.clock.nowMs()) };
  createObject(scope, transaction, { object, isApply: false });
}

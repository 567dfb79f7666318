import { type KubeObject, type Namespace, resources } from "#api";
import { deepEqual } from "#base";
import { ApiFailure, type ReconcileOutcome } from "#kube";
import {
  type Controller,
  type ControllerPorts,
  discoverResources,
  objectKey,
  runController,
  type ServedResource,
} from "../shared/index.ts";
import { finalized, isEmptying, planConditions, type Remaining } from "./plan-namespace.ts";

/** How often a namespace is looked at while its contents end; pods take up to their grace period. */
const LOOK_AGAIN_MS = 500;
const PAGE_LIMIT = 500;

/** Empties namespaces that are being deleted, then lets them go. Source: Kubernetes `namespaced_resources_deleter`. */
export function startNamespaceController(ports: ControllerPorts): Controller {
  const { client, clock, informers } = ports;
  const namespaces = informers.of<Namespace>(resources.namespaces);
  const controller = runController(ports, { name: "namespace-controller", reconcile: reconcileNamespace });
  namespaces.onChange(({ type, object }) => {
    if (type !== "deleted" && isEmptying(object)) controller.queue.add(object.metadata.name ?? "");
  });

  async function reconcileNamespace(name: string): Promise<ReconcileOutcome | void> {
    const namespace = namespaces.get({ name });
    if (namespace === undefined || !isEmptying(namespace)) return;
    const served = await discoverResources(client);
    const remaining: Remaining[] = [];
    for (const resource of served.filter(isDeletable)) remaining.push(await empty(resource, name));
    const isEmpty = remaining.every(({ objects }) => objects.length === 0);
    if (isEmpty) return finalize(name);
    await writeConditions(name, remaining);
    return { requeueAfterMs: LOOK_AGAIN_MS };
  }

  /** Deletes what is there of one kind; returns what is left after it, so that one pass suffices for most kinds. */
  async function empty(resource: ServedResource, namespace: string): Promise<Remaining> {
    const name = resource.group === "" ? resource.plural : `${resource.plural}.${resource.group}`;
    const before = await listAll(resource, namespace);
    const alive = before.filter((object) => object.metadata.deletionTimestamp === undefined);
    for (const object of alive) {
      const { uid } = object.metadata;
      await client.delete(resource, objectKey(object), {
        propagationPolicy: "Background",
        ...(uid === undefined ? {} : { preconditions: { uid } }),
      });
    }
    return { resource: name, objects: before.length === 0 ? [] : await listAll(resource, namespace) };
  }

  async function listAll(resource: ServedResource, namespace: string): Promise<readonly KubeObject[]> {
    try {
      // One page a pass: deleted objects make room for the next ones.
      return (await client.list<KubeObject>(resource, { namespace, limit: PAGE_LIMIT })).items;
    } catch (thrown) {
      // The kind's definition was deleted since discovery, and with it its objects.
      if (thrown instanceof ApiFailure && thrown.httpStatus === 404) return [];
      throw thrown;
    }
  }

  async function finalize(name: string): Promise<void> {
    const live = await client.get<Namespace>(resources.namespaces, { name });
    if (live === undefined || !isEmptying(live)) return;
    const path = `/api/v1/namespaces/${encodeURIComponent(name)}/finalize`;
    const headers = { "content-type": "application/json" };
    const response = await client.raw({ method: "PUT", path, headers, body: JSON.stringify(finalized(live)) });
    for await (const _ of response.body) continue;
    if (response.status >= 400 && response.status !== 404) {
      throw new ApiFailure(`Cannot finalize the namespace "${name}"`, {
        httpStatus: response.status,
        reason: response.status === 409 ? "Conflict" : "FinalizeRefused",
      });
    }
  }

  async function writeConditions(name: string, remaining: readonly Remaining[]): Promise<void> {
    const live = await client.get<Namespace>(resources.namespaces, { name });
    if (live === undefined) return;
    const conditions = planConditions(live.status?.conditions, remaining, clock.nowMs());
    if (deepEqual(conditions, live.status?.conditions)) return;
    const status = { ...live.status, conditions };
    await client.update<Namespace>(resources.namespaces, { ...live, status }, { subresource: "status" });
  }

  return controller;
}

function isDeletable(resource: ServedResource): boolean {
  return resource.namespaced && resource.verbs.includes("delete") && resource.verbs.includes("list");
}

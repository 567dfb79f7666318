import { type EndpointSlice, matchesLabels, type Pod, resources, type Service } from "#api";
import { deepEqual } from "#base";
import type { EventRecorder } from "#kube";
import {
  type Controller,
  type ControllerPorts,
  keyOf,
  parseKey,
  performWrites,
  runController,
  type Write,
} from "../shared/index.ts";
import { isSelecting, planEndpointSlices, SERVICE_NAME, serviceOfSlice } from "./plan-endpoint-slices.ts";
import { type Endpoints, planEndpoints } from "./plan-endpoints.ts";

/**
 * Keeps the EndpointSlices and Endpoints of services that have a selector. There is no batching delay: a pod that turns
 * not-ready must stop getting requests at once.
 */
export function startEndpointsController(ports: ControllerPorts): Controller {
  const { client, clock, informers } = ports;
  const services = informers.of<Service>(resources.services);
  const pods = informers.of<Pod>(resources.pods);
  const slices = informers.of<EndpointSlice>(resources.endpointSlices);
  const endpoints = informers.of<Endpoints>(resources.endpoints);
  const controller = runController(ports, { name: "endpointslice-controller", reconcile: reconcileKey });

  services.onChange(({ object }) => controller.queue.add(keyOf(object)));
  pods.onChange(({ object, old }) => {
    for (const service of services.list(object.metadata.namespace ?? "")) {
      if (selects(service, object) || (old !== undefined && selects(service, old)))
        controller.queue.add(keyOf(service));
    }
  });
  slices.onChange(({ type, object, old }) => {
    const name = serviceOfSlice(object) ?? (old === undefined ? undefined : serviceOfSlice(old));
    // Own creations need no second look; what others change or delete is put back.
    if (name !== undefined && type !== "added") controller.queue.add(`${object.metadata.namespace}/${name}`);
  });
  endpoints.onChange(({ type, object, old }) => {
    if (type === "modified" && deepEqual(object.subsets, old?.subsets)) return;
    if (services.get({ namespace: object.metadata.namespace ?? "", name: object.metadata.name ?? "" }) === undefined)
      return;
    if (type !== "added") controller.queue.add(keyOf(object));
  });

  async function reconcileKey(key: string, { events }: { events: EventRecorder }): Promise<void> {
    const { namespace = "", name } = parseKey(key);
    const service = services.get({ namespace, name });
    if (service === undefined) {
      // Slices go by their owner reference; Endpoints have none, and those of a service are named like it.
      await client.delete(resources.endpoints, { namespace, name });
      return;
    }
    if (!isSelecting(service) || service.metadata.deletionTimestamp !== undefined) return;
    const selected = pods.list(namespace).filter((pod) => selects(service, pod));
    const nowMs = clock.nowMs();
    await performWrites({ client, events }, await planSlices(service, selected, nowMs));
    const current = endpoints.get({ namespace, name });
    const write = planEndpoints({ service, pods: selected, current, nowMs });
    if (write !== undefined) await performWrites({ client, events }, [write]);
  }

  /** A slice has a generated name, so before one is created the server is asked whether the copy only lags behind. */
  async function planSlices(service: Service, selected: readonly Pod[], nowMs: number): Promise<readonly Write[]> {
    const { namespace = "", name = "" } = service.metadata;
    const isOwn = (slice: EndpointSlice): boolean => serviceOfSlice(slice) === name;
    const known = slices.list(namespace).filter(isOwn);
    const writes = planEndpointSlices({ service, pods: selected, slices: known, nowMs });
    if (writes.every((write) => write.verb !== "create")) return writes;
    const labelSelector = `${SERVICE_NAME}=${name}`;
    const live = await client.list<EndpointSlice>(resources.endpointSlices, { namespace, labelSelector });
    return planEndpointSlices({ service, pods: selected, slices: live.items.filter(isOwn), nowMs });
  }

  return controller;
}

function selects(service: Service, pod: Pod): boolean {
  return isSelecting(service) && matchesLabels(service.spec.selector, pod.metadata.labels);
}

import type { Resource } from "#api";
import type { KubeClient } from "#kube";
import type { Tracer } from "./tracer.ts";

/** A client whose writes are spans; the client itself when nothing is traced. Bodies and names of Secrets stay out. */
export function tracedClient(client: KubeClient, tracer: Tracer): KubeClient {
  if (!tracer.isOn) return client;
  const traced = <T>(verb: string, resource: Resource, send: () => Promise<T>): Promise<T> =>
    tracer.span(`http ${verb} ${resource.plural}`, { "kube.verb": verb, "kube.resource": resource.plural }, send);
  return {
    ...client,
    create: (resource, ...rest) => traced("create", resource, () => client.create(resource, ...rest)),
    update: (resource, ...rest) => traced("update", resource, () => client.update(resource, ...rest)),
    patch: (resource, ...rest) => traced("patch", resource, () => client.patch(resource, ...rest)),
    apply: (resource, ...rest) => traced("apply", resource, () => client.apply(resource, ...rest)),
    delete: (resource, ...rest) => traced("delete", resource, () => client.delete(resource, ...rest)),
  };
}

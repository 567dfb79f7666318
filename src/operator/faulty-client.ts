import { type Resource, resources } from "#api";
import { Failure } from "#base";
import type { KubeClient } from "#kube";

/** A client that counts writes and stops working after some of them, as if its process had died there. For tests. */
export interface FaultyClient {
  readonly client: KubeClient;
  /** Writes that were answered, as `verb plural/name`; events are not counted, they are sent on the side. */
  readonly writes: readonly string[];
}

/** `onDeath` is told when write number `diesAfter` has been answered; every later write is refused. */
export function createFaultyClient(
  inner: KubeClient,
  options: { readonly diesAfter?: number; readonly onDeath?: () => void } = {},
): FaultyClient {
  const writes: string[] = [];
  const diesAfter = options.diesAfter ?? Number.POSITIVE_INFINITY;

  async function counted<T>(
    verb: string,
    of: { resource: Resource; name: string },
    send: () => Promise<T>,
  ): Promise<T> {
    if (of.resource.plural === resources.events.plural) return send();
    if (writes.length >= diesAfter) throw new Failure("The process is dead", { code: "Dead" });
    const result = await send();
    writes.push(`${verb} ${of.resource.plural}/${of.name}`);
    if (writes.length === diesAfter) options.onDeath?.();
    return result;
  }

  const nameOf = (object: { readonly metadata: { readonly name?: string } }): string => object.metadata.name ?? "";
  return {
    writes,
    client: {
      ...inner,
      create: (resource, object, write) =>
        counted("create", { resource, name: nameOf(object) }, () => inner.create(resource, object, write)),
      update: (resource, object, write) =>
        counted(write?.subresource ?? "update", { resource, name: nameOf(object) }, () =>
          inner.update(resource, object, write),
        ),
      patch: (resource, key, patch) =>
        counted("patch", { resource, name: key.name }, () => inner.patch(resource, key, patch)),
      apply: (resource, object, write) =>
        counted("apply", { resource, name: nameOf(object) }, () => inner.apply(resource, object, write)),
      delete: (resource, key, write) =>
        counted("delete", { resource, name: key.name }, () => inner.delete(resource, key, write)),
    },
  };
}

import type { KubeObject, Resource } from "#api";
import { ApiFailure, type KubeClient, type ObjectKey } from "#kube";

/** What an API server says to a write that it will not do, now or later. */
export interface Refusal {
  readonly httpStatus: number;
  readonly reason: string;
  readonly message: string;
}

/** A write that is about to be sent: `services`, or `canaries/status`. */
export interface AskedWrite {
  readonly resource: string;
  readonly key: ObjectKey;
}

/**
 * A client whose server refuses some writes, as role, quota and admission webhooks do. `judge` tells which; an Error that
 * it returns is thrown as it is. For tests.
 */
export function createRefusingClient(
  inner: KubeClient,
  judge: (write: AskedWrite) => Refusal | Error | undefined,
): KubeClient {
  async function send<T>(
    of: { resource: Resource; key: ObjectKey; subresource?: string | undefined },
    go: () => Promise<T>,
  ) {
    const { resource, key, subresource } = of;
    const plural = subresource === undefined ? resource.plural : `${resource.plural}/${subresource}`;
    const refusal = judge({ resource: plural, key });
    if (refusal === undefined) return go();
    if (refusal instanceof Error) throw refusal;
    const { httpStatus, reason, message } = refusal;
    const status = {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message,
      reason,
      code: httpStatus,
    } as const;
    throw new ApiFailure(`POST /${plural}: ${message}`, { httpStatus, reason, status });
  }

  return {
    ...inner,
    create: (resource, object, options) =>
      send({ resource, key: keyOf(object) }, () => inner.create(resource, object, options)),
    update: (resource, object, options) =>
      send({ resource, key: keyOf(object), subresource: options?.subresource }, () =>
        inner.update(resource, object, options),
      ),
    patch: (resource, key, patch) => send({ resource, key }, () => inner.patch(resource, key, patch)),
    apply: (resource, object, options) =>
      send({ resource, key: keyOf(object) }, () => inner.apply(resource, object, options)),
    delete: (resource, key, options) => send({ resource, key }, () => inner.delete(resource, key, options)),
  };
}

function keyOf({ metadata: { namespace, name = "" } }: KubeObject): ObjectKey {
  return namespace === undefined ? { name } : { namespace, name };
}

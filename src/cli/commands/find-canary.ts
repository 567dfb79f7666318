import { type Canary, resources } from "#api";
import { Failure } from "#base";
import type { KubeClient, ObjectKey } from "#kube";
import { UsageError } from "../program-context.ts";

/** More than this are not listed in a message. */
const NAMES_MAX = 10;

/**
 * Reads the Canary that the command line names, or the only one of the namespace.
 *
 * @throws Failure `CanaryNotFound`; UsageError when several could be meant.
 */
export async function findCanary(
  client: KubeClient,
  key: { readonly namespace: string; readonly name: string | undefined },
): Promise<Canary> {
  const { namespace, name } = key;
  if (name !== undefined) return readCanary(client, { namespace, name });
  const { items } = await client.list<Canary>(resources.canaries, { namespace, limit: NAMES_MAX + 1 });
  const [only, ...others] = items;
  if (only === undefined)
    throw new Failure(`Cannot find a Canary in namespace "${namespace}"; name another namespace with -n`, {
      code: "CanaryNotFound",
    });
  if (others.length === 0) return only;
  const names = items.slice(0, NAMES_MAX).map((canary) => canary.metadata.name ?? "");
  const more = items.length > NAMES_MAX ? ", …" : "";
  throw new UsageError(`namespace "${namespace}" has several Canaries; name one of ${names.join(", ")}${more}`);
}

/** @throws Failure `CanaryNotFound`. */
export async function readCanary(client: KubeClient, key: ObjectKey): Promise<Canary> {
  const canary = await client.get<Canary>(resources.canaries, key);
  if (canary !== undefined) return canary;
  throw new Failure(`Cannot find the Canary "${key.namespace ?? ""}/${key.name}"; kubectl get canaries -A lists them`, {
    code: "CanaryNotFound",
  });
}

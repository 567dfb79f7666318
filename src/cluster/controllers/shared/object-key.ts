import type { KubeObject } from "#api";
import type { ObjectKey } from "#kube";

/** The queue's key of an object: `namespace/name`, or the bare name for cluster-scoped ones. */
export function keyOf(object: KubeObject): string {
  const { namespace, name = "" } = object.metadata;
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** Reads a queue's key back. */
export function parseKey(key: string): ObjectKey {
  const slash = key.indexOf("/");
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** Names an object for the client. */
export function objectKey(object: KubeObject): ObjectKey {
  return parseKey(keyOf(object));
}

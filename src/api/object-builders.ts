import { assert } from "#base";
import type { KubeObject, OwnerReference } from "./meta.ts";

/** Returns `namespace/name`, or the bare name of an object that lives in no namespace. Source: client-go `MetaNamespaceKeyFunc`. */
export function keyOf(object: Pick<KubeObject, "metadata">): string {
  const { namespace = "", name = "" } = object.metadata;
  return namespace === "" ? name : `${namespace}/${name}`;
}

/** Reads what {@link keyOf} wrote. */
export function splitKey(key: string): { readonly namespace: string; readonly name: string } {
  const slash = key.indexOf("/");
  return slash < 0 ? { namespace: "", name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/**
 * Makes a reference to an owner that the server has stored.
 *
 * With `controller` the owner manages the object, and its deletion in the foreground waits for the object.
 */
export function ownerReferenceTo(owner: KubeObject, options: { readonly controller?: boolean } = {}): OwnerReference {
  const { name, uid } = owner.metadata;
  assert(name !== undefined && uid !== undefined, "an owner has a name and a uid");
  const identity = { apiVersion: owner.apiVersion, kind: owner.kind, name, uid };
  return options.controller === true ? { ...identity, controller: true, blockOwnerDeletion: true } : identity;
}

/** Returns the reference to the controller of an object, if it has one. */
export function controllerOf(object: Pick<KubeObject, "metadata">): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((reference) => reference.controller === true);
}

/** Tells whether the owner is the controller of the object. */
export function isControlledBy(object: Pick<KubeObject, "metadata">, owner: Pick<KubeObject, "metadata">): boolean {
  const reference = controllerOf(object);
  return reference !== undefined && reference.uid === owner.metadata.uid;
}

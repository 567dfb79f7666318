import type { KubeObject, LabelSelector, OwnerReference } from "#api";
import { apiVersionOf, matchesSelector, type Resource } from "#api";
import { assert } from "#base";

/** Returns the reference to the controller that manages an object; at most one reference has `controller: true`. */
export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((reference) => reference.controller === true);
}

/** Makes the reference that a controller puts on what it creates. Source: apimachinery `metav1.NewControllerRef`. */
export function controllerReference(owner: KubeObject, resource: Resource): OwnerReference {
  const { name, uid } = owner.metadata;
  assert(name !== undefined && uid !== undefined, "an owner was read from the API server, so it has a name and a uid");
  return {
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    name,
    uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** What a controller does with objects whose labels or owner may or may not be its own. */
export interface Claims<T extends KubeObject> {
  readonly owned: readonly T[];
  /** Match the selector and belong to nobody. */
  readonly adopt: readonly T[];
  /** Are owned, but match no longer. */
  readonly release: readonly T[];
}

/**
 * Sorts candidates by ownership and selector.
 *
 * Source: Kubernetes `controller_ref_manager` ClaimObject: an owner that is being deleted neither adopts nor releases.
 */
export function planClaims<T extends KubeObject>(
  owner: KubeObject,
  selector: LabelSelector,
  candidates: readonly T[],
): Claims<T> {
  const isOwnerLeaving = owner.metadata.deletionTimestamp !== undefined;
  const owned: T[] = [];
  const adopt: T[] = [];
  const release: T[] = [];
  for (const object of candidates) {
    const controller = controllerOf(object);
    const matches = matchesSelector(selector, object.metadata.labels);
    if (controller !== undefined) {
      if (controller.uid !== owner.metadata.uid) continue;
      if (matches) owned.push(object);
      else if (!isOwnerLeaving) release.push(object);
    } else if (matches && !isOwnerLeaving && object.metadata.deletionTimestamp === undefined) {
      adopt.push(object);
    }
  }
  return { owned, adopt, release };
}

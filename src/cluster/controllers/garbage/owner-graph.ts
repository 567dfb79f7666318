import type { KubeObject, OwnerReference } from "#api";
import type { ObjectKey } from "#kube";
import { objectKey, type ServedResource } from "../shared/index.ts";

/** What the collector knows of an object. */
export interface Node {
  readonly uid: string;
  readonly resource: ServedResource;
  readonly key: ObjectKey;
  readonly owners: readonly OwnerReference[];
  readonly finalizers: readonly string[];
  readonly isLeaving: boolean;
}

/** All objects by uid, and who depends on whom. */
export interface OwnerGraph {
  get(uid: string): Node | undefined;
  dependentsOf(ownerUid: string): readonly Node[];
  put(node: Node): void;
  remove(uid: string): void;
}

/** Makes an empty graph. It holds one small record for each object of the cluster. */
export function createOwnerGraph(): OwnerGraph {
  const nodes = new Map<string, Node>();
  const dependents = new Map<string, Set<string>>();

  function unlink(node: Node | undefined): void {
    for (const owner of node?.owners ?? []) {
      const uids = dependents.get(owner.uid);
      uids?.delete(node?.uid ?? "");
      if (uids?.size === 0) dependents.delete(owner.uid);
    }
  }

  return {
    get: (uid) => nodes.get(uid),
    dependentsOf(ownerUid) {
      return [...(dependents.get(ownerUid) ?? [])].flatMap((uid) => nodes.get(uid) ?? []);
    },
    put(node) {
      unlink(nodes.get(node.uid));
      nodes.set(node.uid, node);
      for (const owner of node.owners) {
        const uids = dependents.get(owner.uid) ?? new Set();
        uids.add(node.uid);
        dependents.set(owner.uid, uids);
      }
    },
    remove(uid) {
      unlink(nodes.get(uid));
      nodes.delete(uid);
    },
  };
}

/** Reads what the graph keeps of an object. */
export function nodeOf(resource: ServedResource, object: KubeObject): Node {
  const { uid = "", ownerReferences = [], finalizers = [], deletionTimestamp } = object.metadata;
  return {
    uid,
    resource,
    key: objectKey(object),
    owners: ownerReferences,
    finalizers,
    isLeaving: deletionTimestamp !== undefined,
  };
}

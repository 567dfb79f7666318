import type { KubeObject } from "#api";
import type { Clock } from "#base";
import type { Informer } from "#kube";
import { formatTime } from "./pod-state.ts";

/** How long a write is remembered that the watch never shows: the object came and went between two lists. */
const FORGET_AFTER_MS = 60_000;

/**
 * What this process wrote and its informer has not shown yet, laid over the informer's copy. It answers "which objects
 * exist" right after a write, so a copy that lags behind never leads to doubled pods or to a second step on top of a first
 * one that it does not show. Upstream counts expected events and waits for them; knowing the objects allows to go on at once.
 */
export interface WriteLedger<T extends KubeObject> {
  /** Notes an object as the server returned it from a create or update. */
  noteWritten(object: T): void;
  noteDeleted(object: T): void;
  /** The informer's objects of a namespace with own writes applied; deleted ones are marked as leaving. */
  list(namespace: string): readonly T[];
}

/** Makes a ledger over an informer. It holds at most the writes of the last minute. */
export function createWriteLedger<T extends KubeObject>(informer: Informer<T>, clock: Clock): WriteLedger<T> {
  const written = new Map<string, { readonly object: T; readonly untilMs: number }>();
  const deleted = new Map<string, { readonly untilMs: number }>();
  informer.onChange(({ type, object }) => {
    const uid = uidOf(object);
    const own = written.get(uid);
    if (own !== undefined && (type === "deleted" || !isNewer(own.object, object))) written.delete(uid);
    if (type === "deleted" || object.metadata.deletionTimestamp !== undefined) deleted.delete(uid);
  });

  function forgetOld(): void {
    const nowMs = clock.nowMs();
    for (const entries of [written, deleted]) {
      for (const [uid, { untilMs }] of entries) if (untilMs <= nowMs) entries.delete(uid);
    }
  }

  function seen(object: T): T | undefined {
    const { namespace = "", name = "" } = object.metadata;
    const found = informer.get({ namespace, name });
    return found?.metadata.uid === object.metadata.uid ? found : undefined;
  }

  return {
    noteWritten(object) {
      const known = seen(object);
      // The watch can be faster than the answer to the request.
      if (known !== undefined && !isNewer(object, known)) return;
      written.set(uidOf(object), { object, untilMs: clock.nowMs() + FORGET_AFTER_MS });
    },
    noteDeleted(object) {
      written.delete(uidOf(object));
      const known = seen(object);
      if (known === undefined || known.metadata.deletionTimestamp !== undefined) return;
      deleted.set(uidOf(object), { untilMs: clock.nowMs() + FORGET_AFTER_MS });
    },
    list(namespace) {
      forgetOld();
      const deletionTimestamp = formatTime(clock.nowMs());
      const shown = new Set<string>();
      const objects = informer.list(namespace).map((object) => {
        shown.add(uidOf(object));
        const current = written.get(uidOf(object))?.object ?? object;
        if (!deleted.has(uidOf(object))) return current;
        return { ...current, metadata: { ...current.metadata, deletionTimestamp } };
      });
      for (const [uid, { object }] of written) {
        if (!shown.has(uid) && object.metadata.namespace === namespace) objects.push(object);
      }
      return objects;
    },
  };
}

function uidOf(object: KubeObject): string {
  return object.metadata.uid ?? "";
}

/** Versions are compared as numbers: the embedded API server has one counter. Source: KEP-5504 says so of Kubernetes too. */
function isNewer(a: KubeObject, b: KubeObject): boolean {
  return Number(a.metadata.resourceVersion) > Number(b.metadata.resourceVersion);
}

import type { KubeObject, ObjectReference } from "#api";
import type { ObjectKey } from "./client.ts";

/** A local, always current copy of a set of objects, kept by list and watch. */
export interface Informer<T extends KubeObject> {
  /** Resolves once the first list is in the store. */
  readonly synced: Promise<void>;
  get(key: ObjectKey): T | undefined;
  list(namespace?: string): readonly T[];
  /** Calls back on every change (`object` absent after a deletion). Handlers must only enqueue. Returns the unsubscriber. */
  onChange(handler: (change: InformerChange<T>) => void): () => void;
}

export interface InformerChange<T extends KubeObject> {
  readonly type: "added" | "modified" | "deleted";
  readonly object: T;
  readonly old: T | undefined;
}

/** What a reconcile asks for next: nothing, or to be called again after a delay. */
export interface ReconcileOutcome {
  readonly requeueAfterMs?: number;
}

/** Keys waiting to be reconciled: one entry a key, never two workers on one key, failures retried with backoff. */
export interface WorkQueue {
  add(key: string): void;
  addAfter(key: string, delayMs: number): void;
  /** Keys waiting or in work. */
  readonly size: number;
  /** Resolves after the abort, once the last reconcile in work has returned. */
  readonly stopped: Promise<void>;
}

/** Writes Kubernetes events, repeating ones as a count. Never rejects; failures are logged and dropped. */
export interface EventRecorder {
  record(event: {
    readonly object: ObjectReference & { readonly namespace?: string };
    readonly type: "Normal" | "Warning";
    readonly reason: string;
    readonly message: string;
  }): void;
  /** Resolves when all recorded events were sent or dropped. */
  flush(): Promise<void>;
}

import type { KubeObject } from "#api";

/** Where an object lives. `collection` is `group/plural` (`/pods` for the core group); `namespace` is empty for cluster-scoped kinds. */
export interface ObjectPath {
  readonly collection: string;
  readonly namespace: string;
  readonly name: string;
}

/** One version of one object, as it lies on disk. Never changed once made, so it may be handed out without a copy. */
export interface StoredObject extends ObjectPath {
  /** Revision of the write that made it; also its `metadata.resourceVersion`. */
  readonly revision: number;
  readonly object: KubeObject;
  /** The object's text: reads, lists and watches send it without serializing again. */
  readonly json: string;
}

/** One write. After a deletion `current` is the last state, with the revision of the deletion. */
export interface Change {
  readonly type: "put" | "delete";
  readonly revision: number;
  readonly current: StoredObject;
  /** The state before; absent when the write created the object. */
  readonly previous: StoredObject | undefined;
}

/**
 * The view of the store inside {@link Store.transact}: it sees every earlier write, its own included.
 * It may be used only until the work function returns.
 */
export interface Transaction {
  get(path: ObjectPath): StoredObject | undefined;
  list(collection: string, namespace?: string): readonly StoredObject[];
  /** Writes the object under the next revision, which becomes its `metadata.resourceVersion`. */
  put(path: ObjectPath, object: KubeObject): StoredObject;
  /** Removes the object and returns its last state; `undefined` when there is none. */
  delete(path: ObjectPath): StoredObject | undefined;
}

export interface ChangeRange {
  readonly collection: string;
  /** All namespaces when absent. */
  readonly namespace?: string;
  readonly afterRevision: number;
}

/** Changes after the revision are delivered, those already made first. */
export interface WatchRequest extends ChangeRange {
  /** Called in order of revision. Must return at once: writers wait for it. */
  readonly onChange: (change: Change) => void;
}

/**
 * All objects of a cluster. Reads answer from memory and show only what is safely on disk; a write's promise resolves
 * once its batch is synced.
 */
export interface Store {
  /** Revision of the newest write that is on disk. */
  readonly revision: number;
  /** The newest revision whose successors are no longer all known; a watch cannot start before it. */
  readonly compactedRevision: number;
  get(path: ObjectPath): StoredObject | undefined;
  /** Objects ordered by namespace, then by name. */
  list(collection: string, namespace?: string): readonly StoredObject[];
  /**
   * The list as it was at a past revision.
   *
   * @throws Failure `Expired` when the history no longer reaches back to it.
   */
  listAt(revision: number, collection: string, namespace?: string): readonly StoredObject[];
  /**
   * Runs `work` on the newest state, alone, and stores what it wrote, all of it or nothing. When it throws, nothing is
   * stored and the promise rejects with what it threw.
   *
   * @throws Failure `StoreFailed` after a write to disk failed; `StoreClosed` after close.
   */
  transact<T>(work: (transaction: Transaction) => T): Promise<T>;
  /**
   * The changes already made after a revision, oldest first: what {@link Store.watch} would deliver at once. For readers
   * that are far behind and can take only so much at a time.
   *
   * @throws Failure `Expired` when the history no longer reaches back to it.
   */
  changesAfter(request: ChangeRange): readonly Change[];
  /**
   * Delivers changes until the returned function is called.
   *
   * @throws Failure `Expired` when the history no longer reaches back to `afterRevision`.
   */
  watch(request: WatchRequest): () => void;
  /** Finishes the writes that were begun and closes the files. */
  close(): Promise<void>;
}

import type { KubeObject, Resource } from "#api";
import { ApiFailure, type Informer, type InformerChange, type KubeClient, type ObjectKey } from "#kube";

/** Who writes, as `metadata.managedFields` name it. */
export const FIELD_MANAGER = "serin";

/** Told of each change with the object as it is now, or was before it was deleted. Handlers must only enqueue. */
export type ChangeHandler<T extends KubeObject> = (object: T, change: InformerChange<T>) => void;

/**
 * A local copy of a kind that knows its own writes.
 *
 * An informer hears of a write only some time after it was answered. Deciding on the state before it would, for one,
 * take the primary for ready that was told a moment ago to roll. So what a write returned is read until the informer has
 * caught up with it.
 */
export interface View<T extends KubeObject> {
  readonly synced: Promise<void>;
  get(key: ObjectKey): T | undefined;
  list(namespace?: string): readonly T[];
  onChange(handler: ChangeHandler<T>): () => void;
  create(object: T): Promise<T>;
  /** Writes the whole object; fails with a conflict when it is not made from the newest version. */
  update(object: T, subresource?: "status"): Promise<T>;
  /** Server-side apply: states the fields that are ours and leaves all others. */
  apply(object: T): Promise<T>;
  patch(key: ObjectKey, patch: { readonly kind: "merge" | "json"; readonly body: unknown }): Promise<T>;
  /** Deletes; nothing happens when there is none. With a UID only the object that has it, which it fails with a conflict else. */
  delete(key: ObjectKey, expected?: { readonly uid: string }): Promise<void>;
}

/** The server refused a write; what was to be written is told in words of people, and by a name that stays the same. */
export class WriteRefused extends ApiFailure {
  /** `services shop/web-primary`, `canaries/status shop/web`: the same for every try of the same write. */
  readonly write: string;
  /** Names the object: `Service shop/web-primary`. */
  readonly object: string;
  readonly kind: string;

  constructor(
    refusal: ApiFailure,
    of: { readonly resource: Resource; readonly key: ObjectKey; readonly subresource?: string },
  ) {
    const { resource, key, subresource } = of;
    const { httpStatus, code: reason, status } = refusal;
    // Who refuses a Secret may quote it.
    super(resource.kind === "Secret" ? `Cannot write a Secret: ${reason}` : refusal.message, {
      httpStatus,
      reason,
      ...(status === undefined ? {} : { status }),
    });
    const at = `${key.namespace === undefined ? "" : `${key.namespace}/`}${key.name}`;
    this.write = `${resource.plural}${subresource === undefined ? "" : `/${subresource}`} ${at}`;
    this.object = `${subresource === undefined ? "" : `${subresource} of `}${resource.kind} ${at}`;
    this.kind = resource.kind;
  }
}

/** A conflict, and what a JSON patch whose test does not hold is answered with. */
const WAS_BEHIND: ReadonlySet<number> = new Set([409, 422]);

/** Makes a view; `informer` must be of the same resource. */
export function createView<T extends KubeObject>(options: {
  readonly client: KubeClient;
  readonly resource: Resource;
  readonly informer: Informer<T>;
}): View<T> {
  const { client, resource, informer } = options;
  /** Our writes that the informer has not shown yet; each goes when it has. */
  const ahead = new Map<string, T>();

  informer.onChange((change) => {
    const id = idOf(change.object.metadata);
    const ours = ahead.get(id);
    if (ours !== undefined && !isNewer(ours, change.object)) ahead.delete(id);
  });

  function remember(written: T): T {
    // An object that this write lets go is gone; the informer may have heard of it already and would not tell again.
    const { deletionTimestamp, finalizers = [] } = written.metadata;
    if (deletionTimestamp !== undefined && finalizers.length === 0) {
      ahead.delete(idOf(written.metadata));
      return written;
    }
    const seen = informer.get(keyOf(written));
    if (seen === undefined || isNewer(written, seen)) ahead.set(idOf(written.metadata), written);
    return written;
  }

  async function write(key: ObjectKey, send: () => Promise<T>, subresource?: "status"): Promise<T> {
    try {
      return remember(await send());
    } catch (thrown) {
      if (!(thrown instanceof ApiFailure)) throw thrown;
      // Somebody else was first, and the informer is behind: look once, so that the retry starts from what there is.
      if (WAS_BEHIND.has(thrown.httpStatus)) await refresh(key);
      throw new WriteRefused(thrown, { resource, key, ...(subresource === undefined ? {} : { subresource }) });
    }
  }

  async function refresh(key: ObjectKey): Promise<void> {
    const current = await client.get<T>(resource, key);
    if (current !== undefined) remember(current);
  }

  const manager = { fieldManager: FIELD_MANAGER } as const;
  return {
    synced: informer.synced,
    get(key) {
      const seen = informer.get(key);
      const ours = ahead.get(idOf(key));
      if (ours === undefined || (seen !== undefined && !isNewer(ours, seen))) return seen;
      return ours;
    },
    list: (namespace) => informer.list(namespace),
    onChange: (handler) => informer.onChange((change) => handler(change.object, change)),
    create: (object) => write(keyOf(object), () => client.create(resource, object, manager)),
    update: (object, subresource) =>
      write(
        keyOf(object),
        () => client.update(resource, object, { ...manager, ...(subresource === undefined ? {} : { subresource }) }),
        subresource,
      ),
    apply: (object) => write(keyOf(object), () => client.apply(resource, object, { ...manager, force: true })),
    patch: (key, patch) => write(key, () => client.patch(resource, key, { ...patch, options: manager })),
    async delete(key, expected) {
      try {
        await client.delete(resource, key, expected === undefined ? {} : { preconditions: expected });
      } catch (thrown) {
        throw thrown instanceof ApiFailure ? new WriteRefused(thrown, { resource, key }) : thrown;
      }
    },
  };
}

/**
 * Whether `a` is a later version than `b`; versions that are no numbers are not compared, and the informer's is taken.
 * Source: KEP-5504, resource versions are comparable decimal integers.
 */
function isNewer(a: KubeObject, b: KubeObject): boolean {
  const [left = "", right = ""] = [a.metadata.resourceVersion, b.metadata.resourceVersion];
  if (!/^\d+$/.test(left) || !/^\d+$/.test(right)) return false;
  return left.length === right.length ? left > right : left.length > right.length;
}

function keyOf(object: KubeObject): ObjectKey {
  const { namespace, name = "" } = object.metadata;
  return namespace === undefined ? { name } : { namespace, name };
}

function idOf(key: { readonly namespace?: string; readonly name?: string }): string {
  return `${key.namespace ?? ""}/${key.name ?? ""}`;
}

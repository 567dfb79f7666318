import { apiVersionOf, type KubeObject, type Resource } from "#api";
import { type Clock, Failure, isObject } from "#base";
import { type KubeClient, parseObject, readText } from "#kube";
import type { View } from "./view.ts";

/** A kind that cannot be worked with now, and what to do about it. */
export interface UnusableKind {
  readonly resource: Resource;
  readonly message: string;
  readonly fix: string;
}

/**
 * Views of kinds that not every cluster serves, each opened when the first Canary needs it: a cluster without one of the
 * service meshes works for the others, and nobody watches all Ingresses for the sake of Canaries that have none.
 */
export interface FurtherViews {
  /**
   * Opens what is not open yet, and resolves with what cannot be used. Waits a bounded time for first lists; asks the API
   * server about a kind that it does not serve at most every {@link RECHECK_MS}.
   *
   * @throws Failure when the API server cannot be asked.
   */
  open(wanted: readonly Resource[]): Promise<readonly UnusableKind[]>;
  get(resource: Resource): View<KubeObject> | undefined;
  onChange(handler: (object: KubeObject) => void): () => void;
}

/** How long an answer that a kind is not served holds. */
export const RECHECK_MS = 30_000;
/** A server that is starting up, or a large cluster, takes its time. */
const FIRST_LIST_MS = 60_000;
const MAX_DISCOVERY_BYTES = 4 * 1024 * 1024;

type Entry =
  | { readonly kind: "open"; readonly view: View<KubeObject>; isSynced: boolean }
  | { readonly kind: "unserved"; readonly atMs: number };

export interface FurtherViewsOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  open(resource: Resource): View<KubeObject>;
  /** Whether a resource is of the core, which is open always. */
  isKnown(resource: Resource): boolean;
}

export function createFurtherViews(options: FurtherViewsOptions): FurtherViews {
  const { client, clock } = options;
  const entries = new Map<string, Entry>();
  const opening = new Map<string, Promise<void>>();
  const handlers = new Set<(object: KubeObject) => void>();

  async function openOne(resource: Resource): Promise<void> {
    const id = resourceId(resource);
    if (!(await isServed(client, resource))) {
      entries.set(id, { kind: "unserved", atMs: clock.nowMs() });
      return;
    }
    const view = options.open(resource);
    const entry = { kind: "open" as const, view, isSynced: false };
    entries.set(id, entry);
    view.onChange((object) => handlers.forEach((handler) => handler(object)));
    const synced = view.synced.then(() => void (entry.isSynced = true));
    await within(synced, FIRST_LIST_MS, clock);
  }

  /** Several Canaries may ask at once; the kind is opened once, and all of them wait for its first list. */
  async function ensure(resource: Resource): Promise<UnusableKind | undefined> {
    const id = resourceId(resource);
    const running = opening.get(id) ?? (isToOpen(entries.get(id)) ? start(resource, id) : undefined);
    await running;
    return unusable(resource, entries.get(id));
  }

  function isToOpen(entry: Entry | undefined): boolean {
    return entry === undefined || (entry.kind === "unserved" && clock.nowMs() - entry.atMs >= RECHECK_MS);
  }

  function start(resource: Resource, id: string): Promise<void> {
    const running = openOne(resource).finally(() => opening.delete(id));
    opening.set(id, running);
    return running;
  }

  return {
    async open(wanted) {
      const found = await Promise.all(wanted.filter((one) => !options.isKnown(one)).map(ensure));
      return found.filter((one) => one !== undefined);
    },
    get(resource) {
      const entry = entries.get(resourceId(resource));
      return entry?.kind === "open" ? entry.view : undefined;
    },
    onChange(handler) {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
  };
}

function unusable(resource: Resource, entry: Entry | undefined): UnusableKind | undefined {
  const name = `${resource.plural}.${apiVersionOf(resource)}`;
  if (entry?.kind === "open" && entry.isSynced) return undefined;
  if (entry?.kind === "open")
    return {
      resource,
      message: `${name} cannot be read: the first list has not arrived`,
      fix: "grant list and watch of it to the operator's service account",
    };
  return {
    resource,
    message: `the cluster does not serve ${name}`,
    fix: "install what brings it, or choose another provider",
  };
}

/** Asks for the kinds of the group and version. Source: Kubernetes API, discovery. */
async function isServed(client: KubeClient, resource: Resource): Promise<boolean> {
  const path = resource.group === "" ? "/api/v1" : `/apis/${resource.group}/${resource.version}`;
  const response = await client.raw({ path, headers: { accept: "application/json" } });
  const text = await readText(response.body, MAX_DISCOVERY_BYTES);
  if (response.status === 404) return false;
  if (response.status !== 200)
    throw new Failure(`Cannot ask which kinds are served: GET ${path} was answered with ${response.status}`, {
      code: "ServerUnreachable",
      retryable: true,
    });
  const list = parseObject(text, `GET ${path}`);
  const kinds = Array.isArray(list.resources) ? list.resources : [];
  return kinds.some((kind: unknown) => isObject(kind) && kind.name === resource.plural);
}

/** Resolves with the promise or after a time, whichever is first; a promise that rejects has nothing more to tell. */
async function within(promise: Promise<void>, timeMs: number, clock: Clock): Promise<void> {
  await new Promise<void>((resolve) => {
    const cancel = clock.after(timeMs, resolve);
    const settle = (): void => {
      cancel();
      resolve();
    };
    promise.then(settle, settle);
  });
}

/** Tells kinds apart. */
export function resourceId(resource: Resource): string {
  return `${resource.plural}.${resource.group}/${resource.version}`;
}

import { apiVersionOf, type KubeObject, type Resource } from "#api";
import { type Clock, Failure, isObject, type Log, messageOf } from "#base";
import { ApiFailure, type KubeClient, parseObject, readText } from "#kube";
import type { ChangeHandler, View } from "./view.ts";

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
  /**
   * Opens kinds that a release can do without. Never rejects: one that is not served or may not be read is as if there were
   * no objects of it, is told in the log once, and is tried again after {@link DECLINED_MS}. Waits a short time for first
   * lists.
   */
  offer(wanted: readonly Resource[]): Promise<void>;
  get(resource: Resource): View<KubeObject> | undefined;
  onChange(handler: ChangeHandler<KubeObject>): () => void;
}

/** How long an answer that a kind is not served holds. */
export const RECHECK_MS = 30_000;
/** A server that is starting up, or a large cluster, takes its time. */
const FIRST_LIST_MS = 60_000;
/** A kind that a release can do without is not waited for longer. */
const OFFERED_LIST_MS = 5_000;
/** How long an answer holds that such a kind is not there, or may not be read. */
const DECLINED_MS = 600_000;
/** How long a failure to ask for it holds. */
const UNREACHED_MS = 30_000;
const MAX_DISCOVERY_BYTES = 4 * 1024 * 1024;

type Entry =
  | { readonly kind: "open"; readonly view: View<KubeObject>; isSynced: boolean }
  | { readonly kind: "unserved"; readonly atMs: number };

export interface FurtherViewsOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Log;
  /** All namespaces when absent. */
  readonly namespace?: string;
  open(resource: Resource): View<KubeObject>;
  /** Whether a resource is of the core, which is open always. */
  isKnown(resource: Resource): boolean;
}

export function createFurtherViews(options: FurtherViewsOptions): FurtherViews {
  const { client, clock, log } = options;
  const entries = new Map<string, Entry>();
  const opening = new Map<string, Promise<void>>();
  /** Kinds that were offered and declined, and until when that holds. */
  const declinedUntilMs = new Map<string, number>();
  const handlers = new Set<ChangeHandler<KubeObject>>();

  async function openOne(resource: Resource): Promise<void> {
    const id = resourceId(resource);
    if (!(await isServed(client, resource))) {
      entries.set(id, { kind: "unserved", atMs: clock.nowMs() });
      return;
    }
    await openView(resource, FIRST_LIST_MS);
  }

  async function openView(resource: Resource, patienceMs: number): Promise<void> {
    const view = options.open(resource);
    const entry = { kind: "open" as const, view, isSynced: false };
    entries.set(resourceId(resource), entry);
    view.onChange((object, change) => handlers.forEach((handler) => handler(object, change)));
    const synced = view.synced.then(() => void (entry.isSynced = true));
    await within(synced, patienceMs, clock);
  }

  async function openIfReadable(resource: Resource): Promise<void> {
    const id = resourceId(resource);
    const scope = options.namespace === undefined ? {} : { namespace: options.namespace };
    try {
      await client.list(resource, { ...scope, limit: 1 });
    } catch (thrown) {
      const isAnswer = thrown instanceof ApiFailure && !thrown.retryable;
      const isNews = !declinedUntilMs.has(id);
      declinedUntilMs.set(id, clock.nowMs() + (isAnswer ? DECLINED_MS : UNREACHED_MS));
      const isUnserved = isAnswer && thrown.httpStatus === 404;
      const fields = { resource: resource.plural, error: messageOf(thrown) };
      if (isNews) log[isUnserved ? "debug" : "info"]("a kind is done without", fields);
      return;
    }
    declinedUntilMs.delete(id);
    await openView(resource, OFFERED_LIST_MS);
  }

  async function offerOne(resource: Resource): Promise<void> {
    const id = resourceId(resource);
    const isDeclined = clock.nowMs() < (declinedUntilMs.get(id) ?? 0);
    if (opening.has(id)) return opening.get(id)?.catch(() => undefined);
    if (entries.get(id)?.kind === "open" || isDeclined) return;
    await start(id, () => openIfReadable(resource));
  }

  /** Several Canaries may ask at once; the kind is opened once, and all of them wait for its first list. */
  async function ensure(resource: Resource): Promise<UnusableKind | undefined> {
    const id = resourceId(resource);
    await opening.get(id);
    // What was merely offered, and declined, is asked for anew.
    if (isToOpen(entries.get(id))) await (opening.get(id) ?? start(id, () => openOne(resource)));
    return unusable(resource, entries.get(id));
  }

  function isToOpen(entry: Entry | undefined): boolean {
    return entry === undefined || (entry.kind === "unserved" && clock.nowMs() - entry.atMs >= RECHECK_MS);
  }

  function start(id: string, open: () => Promise<void>): Promise<void> {
    const running = open().finally(() => opening.delete(id));
    opening.set(id, running);
    return running;
  }

  return {
    async open(wanted) {
      const found = await Promise.all(wanted.filter((one) => !options.isKnown(one)).map(ensure));
      return found.filter((one) => one !== undefined);
    },
    async offer(wanted) {
      await Promise.all(wanted.filter((one) => !options.isKnown(one)).map(offerOne));
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

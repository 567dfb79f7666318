import { setMaxListeners } from "node:events";
import type { KubeObject, Resource } from "#api";
import { type Clock, Failure, type Log, messageOf, type Random } from "#base";
import { ApiFailure, type KubeClient } from "./client.ts";
import { createObjectStore, type ObjectStore } from "./object-store.ts";
import type { Informer, InformerChange } from "./ports.ts";
import {
  initialReflectorState,
  type Listing,
  PAGE_LIMIT,
  type ReflectorInput,
  type RequestFailure,
  type StoreCommand,
  stepReflector,
  type Watching,
} from "./reflector-step.ts";
import { queryOf, resourcePath } from "./resource-path.ts";
import { failureOf, readText } from "./response-body.ts";
import { sleep } from "./sleep.ts";
import { splitLines } from "./split-lines.ts";
import { decodeWatchLine, ingest } from "./watch-line.ts";

/** How long the server is asked to keep a watch open; the jitter keeps a process' watches from ending together. */
const WATCH_SECONDS = 290;
const WATCH_JITTER_SECONDS = 60;
/** Grace beyond it before the connection is taken for half-open and cut. */
const READ_GRACE_MS = 30_000;
/** Longest line of a watch: far above the largest object that an API server stores. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;

export interface InformerOptions {
  readonly client: KubeClient;
  readonly resource: Resource;
  /** All namespaces when absent. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Ends the informer; nothing else does. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: Random;
  /**
   * Makes what is kept of an object smaller, such as by leaving out a status that nobody reads; kind, name, namespace, uid and
   * resourceVersion must stay. managedFields are dropped before. What it throws loses the object, with a line in the log.
   */
  readonly transform?: (object: KubeObject) => KubeObject;
  /** Told when a whole list was taken in and when a watch opened, for counting; must not throw. */
  readonly onEvent?: (event: InformerEvent, resource: string) => void;
}

export type InformerEvent = "listed" | "watch-opened";

/**
 * Keeps a copy of a kind's objects by list and watch, for as long as the signal does not abort: lost connections, error
 * answers, cut or garbled lines and expired versions only delay it. Objects in the copy have no managedFields.
 *
 * Register handlers at once: the first list arrives in a later turn, and only changes after registration are told.
 */
export function createInformer<T extends KubeObject>(options: InformerOptions): Informer<T> {
  // A process shares one signal among all its informers; Node's warning about the eleventh listener is not about a leak.
  setMaxListeners(0, options.signal);
  const log = options.log.with({ resource: options.resource.plural });
  const store = createObjectStore<KubeObject>();
  const handlers = new Set<(change: InformerChange<T>) => void>();
  const sync = createSync();

  function apply(command: StoreCommand): void {
    for (const change of applyTo(store, command)) {
      for (const handler of handlers) callSafely(handler, change as InformerChange<T>, log);
    }
    if (command.type !== "replace") return;
    options.onEvent?.("listed", options.resource.plural);
    sync.resolve();
  }

  void reflect({ ...options, log }, apply).then(() => sync.reject());

  // The store's objects come from this resource's own path, which is what makes each a T.
  return {
    synced: sync.promise,
    get: (key) => store.get(key) as T | undefined,
    list: (namespace) => store.list(namespace) as readonly T[],
    onChange(handler) {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
  };
}

function createSync(): { readonly promise: Promise<void>; readonly resolve: () => void; readonly reject: () => void } {
  let resolve: () => void = () => undefined;
  let reject: (error: Failure) => void = () => undefined;
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  // Nobody has to wait for the first list; without this, ending an informer before it would be an unhandled rejection.
  promise.catch(() => undefined);
  return {
    promise,
    resolve,
    reject: () => reject(new Failure("Informer ended before its first list", { code: "Aborted" })),
  };
}

function applyTo(store: ObjectStore<KubeObject>, command: StoreCommand): readonly InformerChange<KubeObject>[] {
  switch (command.type) {
    case "replace":
      return store.replace(command.objects);
    case "put":
      return store.put(command.object);
    case "remove":
      return store.remove(command.object);
  }
}

function callSafely<T extends KubeObject>(
  handler: (change: InformerChange<T>) => void,
  change: InformerChange<T>,
  log: Log,
): void {
  try {
    handler(change);
  } catch (thrown) {
    log.error("informer handler failed", { name: change.object.metadata.name, error: messageOf(thrown) });
  }
}

async function reflect(options: InformerOptions, apply: (command: StoreCommand) => void): Promise<void> {
  const { signal, clock, random } = options;
  let state = initialReflectorState;
  const advance = (input: ReflectorInput): void => {
    const next = stepReflector(state, input, random);
    state = next.state;
    if (next.command !== undefined) apply(next.command);
  };
  while (!signal.aborted) {
    await sleep(clock, state.delayMs, signal);
    if (signal.aborted) return;
    if (state.phase === "listing") advance(await listPage(options, state));
    else advance(await watch(options, state, advance));
  }
}

async function listPage(options: InformerOptions, state: Listing): Promise<ReflectorInput> {
  const { client, resource, log } = options;
  try {
    const list = await client.list(resource, {
      ...scopeOf(options),
      limit: PAGE_LIMIT,
      // A continue token carries its own version; sending both is an error.
      ...(state.continueToken === undefined
        ? { resourceVersion: state.resourceVersion }
        : { continue: state.continueToken }),
    });
    const items = list.items.flatMap((item) => {
      const object = ingest(item, resource);
      return object === undefined ? [] : reduced(object, options);
    });
    const { resourceVersion, continue: continueToken } = list.metadata;
    return { type: "page", items, resourceVersion, continueToken };
  } catch (thrown) {
    const failure = requestFailureOf(thrown);
    log.warn("list failed, will be retried", { error: messageOf(thrown), isExpired: failure.isExpired });
    return { type: "listFailed", failure };
  }
}

/** Reads one watch to its end, feeding its changes; returns how it ended. */
async function watch(
  options: InformerOptions,
  state: Watching,
  advance: (input: ReflectorInput) => void,
): Promise<ReflectorInput> {
  const { clock, log, signal } = options;
  const openedMs = clock.nowMs();
  const timeoutSeconds = WATCH_SECONDS + Math.floor(options.random.next() * WATCH_JITTER_SECONDS);
  const stream = new AbortController();
  const cut = (): void => stream.abort();
  signal.addEventListener("abort", cut, { once: true });
  const cancelDeadline = clock.after(timeoutSeconds * 1000 + READ_GRACE_MS, cut);
  let failure: RequestFailure | undefined;
  try {
    const path = watchPath(options, state.resourceVersion, timeoutSeconds);
    failure = await readWatch(options, { path, signal: stream.signal }, advance);
  } catch (thrown) {
    failure = requestFailureOf(thrown);
    if (!signal.aborted) log.info("watch broke, will be resumed", { error: messageOf(thrown) });
  } finally {
    cancelDeadline();
    signal.removeEventListener("abort", cut);
    cut();
  }
  return { type: "watchEnded", openMs: clock.nowMs() - openedMs, failure };
}

async function readWatch(
  options: InformerOptions,
  request: { readonly path: string; readonly signal: AbortSignal },
  advance: (input: ReflectorInput) => void,
): Promise<RequestFailure | undefined> {
  const response = await options.client.raw({ ...request, headers: { accept: "application/json" }, stream: true });
  if (response.status !== 200) throw failureOf(response.status, await readText(response.body, 64 * 1024), "watch");
  options.onEvent?.("watch-opened", options.resource.plural);
  for await (const line of splitLines(response.body, MAX_LINE_BYTES)) {
    const decoded = decodeWatchLine(line, options.resource);
    if (decoded.type === "failed") {
      options.log.info("watch was ended", { reason: decoded.reason, isExpired: decoded.failure.isExpired });
      return decoded.failure;
    }
    if (decoded.type !== "changed") {
      advance(decoded);
      continue;
    }
    const { resourceVersion } = decoded;
    const [object] = reduced(decoded.object, options);
    advance(object === undefined ? { type: "bookmark", resourceVersion } : { ...decoded, object });
  }
  return undefined;
}

/** The object as it is kept; none when the transform cannot read it, which must not stop the others. */
function reduced(object: KubeObject, { transform, log }: InformerOptions): readonly KubeObject[] {
  if (transform === undefined) return [object];
  try {
    return [transform(object)];
  } catch (thrown) {
    log.error("informer transform failed", { name: object.metadata.name, error: messageOf(thrown) });
    return [];
  }
}

function scopeOf(options: InformerOptions): { namespace?: string; labelSelector?: string; fieldSelector?: string } {
  const { namespace, labelSelector, fieldSelector } = options;
  return {
    ...(namespace === undefined ? {} : { namespace }),
    ...(labelSelector === undefined ? {} : { labelSelector }),
    ...(fieldSelector === undefined ? {} : { fieldSelector }),
  };
}

function watchPath(options: InformerOptions, resourceVersion: string, timeoutSeconds: number): string {
  const { namespace, ...selectors } = scopeOf(options);
  const query = { ...selectors, watch: true, allowWatchBookmarks: true, resourceVersion, timeoutSeconds };
  return resourcePath(options.resource, namespace === undefined ? {} : { namespace }) + queryOf(query);
}

function requestFailureOf(thrown: unknown): RequestFailure {
  if (!(thrown instanceof ApiFailure)) return { isExpired: false };
  const retryAfterSeconds = thrown.status?.details?.retryAfterSeconds;
  return {
    isExpired: thrown.httpStatus === 410,
    ...(typeof retryAfterSeconds === "number" ? { retryAfterMs: retryAfterSeconds * 1000 } : {}),
  };
}

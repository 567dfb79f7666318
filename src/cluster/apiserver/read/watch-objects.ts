import type { KubeObject } from "#api";
import { Failure } from "#base";
import type { Change, StoredObject } from "../../store/index.ts";
import { type Endpoint, type Served, serve } from "../registry/endpoint.ts";
import type { Format } from "../request/negotiate.ts";
import type { ListOptions } from "../request/list-options.ts";
import type { Answer, Sink } from "../respond/answer.ts";
import { createEventWriter, type EventWriter } from "../respond/event-writer.ts";
import type { ServerContext } from "../server-context.ts";
import { expired } from "../status/status-error.ts";
import { tooLarge } from "./list-objects.ts";

export interface WatchInput {
  readonly endpoint: Endpoint;
  readonly namespace: string | undefined;
  readonly options: ListOptions;
  readonly format: Format;
  readonly includeObject: string | undefined;
}

/** How often a watch that allows it hears up to where it is. Source: apiserver `watch_cache` bookmark frequency, one minute. */
const BOOKMARK_MS = 60_000;
/** Watches without a timeout of their own end after this and up to twice this time, so that they do not all end at once. */
const TIMEOUT_MS = 30 * 60_000;
const INITIAL_EVENTS_END = "k8s.io/initial-events-end";

/**
 * Streams the changes of a set of objects: those after a version, or, without one, the objects there are and then their
 * changes.
 *
 * @throws StatusError 410 before the stream begins when the history does not reach back that far.
 */
export function watchObjects(context: ServerContext, input: WatchInput): Answer {
  const { store } = context;
  const { options } = input;
  const asked = options.resourceVersion ?? 0;
  if (asked > store.revision) throw tooLarge(asked, store.revision);
  const wantsState = options.sendInitialEvents ?? asked === 0;
  if (!wantsState && asked > 0 && asked < store.compactedRevision) {
    throw expired(`too old resource version: ${asked} (${store.compactedRevision})`);
  }
  return {
    type: "stream",
    contentType: "application/json",
    run: (sink) => stream(context, input, { sink, wantsState }),
  };
}

interface Streaming {
  readonly sink: Sink;
  readonly wantsState: boolean;
}

async function stream(context: ServerContext, input: WatchInput, { sink, wantsState }: Streaming): Promise<void> {
  const { store, clock } = context;
  const { endpoint, options } = input;
  const writer = createEventWriter({ ...input, sink, nowMs: () => clock.nowMs() });
  const asked = options.resourceVersion ?? 0;
  const from = wantsState || asked === 0 ? store.revision : asked;
  const finished = new Promise<void>((resolve) => sink.gone.addEventListener("abort", () => resolve(), { once: true }));
  if (sink.gone.aborted) return;
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS * (1 + context.random.next());
  let end = (): void => undefined;
  const timedOut = new Promise<void>((resolve) => (end = clock.after(timeoutMs, resolve)));
  let stop = (): void => undefined;
  try {
    if (wantsState) await sendState(store.list(endpoint.collection, input.namespace), input, { writer, sink });
    const isStateEnd = options.sendInitialEvents === true && options.allowBookmarks;
    if (isStateEnd) sendBookmark(writer, endpoint, { revision: from, isInitialEnd: true });
    const caughtUp = await catchUp(context, { ...input, afterRevision: from }, { writer, sink });
    stop = subscribe(context, { ...input, afterRevision: caughtUp }, writer);
    await Promise.race([finished, timedOut]);
  } catch (thrown) {
    if (!(thrown instanceof Failure) || thrown.code !== "Expired") throw thrown;
    writer.fail(expired(thrown.message));
  } finally {
    stop();
    end();
  }
}

interface Reader {
  readonly writer: EventWriter;
  readonly sink: Sink;
}

/** The state may be larger than what is held for a slow reader, so it goes out as fast as it is taken. */
async function sendState(
  stored: readonly StoredObject[],
  { endpoint, options }: WatchInput,
  { writer, sink }: Reader,
): Promise<void> {
  for (const object of stored) {
    if (sink.gone.aborted) return;
    const shown = serve(endpoint, object);
    if (!options.matches(shown.object)) continue;
    writer.send("ADDED", shown);
    await sink.drained();
  }
}

type Following = WatchInput & { readonly afterRevision: number };

/** So much may be left over when a watch goes over from catching up to following. */
const CLOSE_BEHIND_BYTES = 1024 * 1024;

/**
 * Sends what happened before, as fast as it is taken, until little is left; returns the revision up to which it was sent.
 *
 * @throws Failure `Expired` when the reader is so slow that the history runs away from it.
 */
async function catchUp({ store }: ServerContext, input: Following, { writer, sink }: Reader): Promise<number> {
  const { endpoint, options } = input;
  let { afterRevision } = input;
  while (!sink.gone.aborted) {
    const changes = store.changesAfter({ collection: endpoint.collection, ...inNamespace(input), afterRevision });
    if (changes.reduce((sum, { current }) => sum + current.json.length, 0) <= CLOSE_BEHIND_BYTES) break;
    for (const change of changes) {
      const event = eventFor(endpoint, options, change);
      if (event !== undefined) writer.send(event.type, event.served);
      afterRevision = change.revision;
      await sink.drained();
    }
  }
  return afterRevision;
}

function inNamespace({ namespace }: WatchInput): { readonly namespace?: string } {
  return namespace === undefined ? {} : { namespace };
}

function subscribe(context: ServerContext, input: Following, writer: EventWriter): () => void {
  const { endpoint, options, afterRevision } = input;
  const stopWatch = context.store.watch({
    collection: endpoint.collection,
    ...inNamespace(input),
    afterRevision,
    onChange: (change) => {
      const event = eventFor(endpoint, options, change);
      if (event !== undefined) writer.send(event.type, event.served);
    },
  });
  if (!options.allowBookmarks) return stopWatch;
  const stopBookmarks = repeat(context, () => sendBookmark(writer, endpoint, { revision: context.store.revision }));
  return () => {
    stopWatch();
    stopBookmarks();
  };
}

interface SelectedEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly served: Served;
}

/**
 * The event that a change is for a watcher who sees only some objects: one that comes to match is added, one that no
 * longer does is deleted, with the state in which it last matched.
 */
export function eventFor(
  endpoint: Endpoint,
  options: Pick<ListOptions, "matches">,
  change: Change,
): SelectedEvent | undefined {
  const current = serve(endpoint, change.current);
  const previous = change.previous === undefined ? undefined : serve(endpoint, change.previous);
  const matched = previous !== undefined && options.matches(previous.object);
  if (change.type === "delete") return matched ? { type: "DELETED", served: current } : undefined;
  const isMatching = options.matches(current.object);
  if (isMatching) return { type: matched ? "MODIFIED" : "ADDED", served: current };
  if (!matched || previous === undefined) return undefined;
  const { object } = previous;
  const last: KubeObject = { ...object, metadata: { ...object.metadata, resourceVersion: String(change.revision) } };
  return { type: "DELETED", served: { object: last, json: JSON.stringify(last) } };
}

function sendBookmark(
  writer: EventWriter,
  endpoint: Endpoint,
  mark: { revision: number; isInitialEnd?: boolean },
): void {
  const annotations = mark.isInitialEnd === true ? { annotations: { [INITIAL_EVENTS_END]: "true" } } : {};
  const object: KubeObject = {
    kind: endpoint.kind.resource.kind,
    apiVersion: endpoint.apiVersion,
    metadata: { resourceVersion: String(mark.revision), creationTimestamp: null, ...annotations },
  };
  writer.send("BOOKMARK", { object, json: JSON.stringify(object) });
}

function repeat(context: ServerContext, action: () => void): () => void {
  let stop = (): void => undefined;
  const again = (): void => {
    stop = context.clock.after(BOOKMARK_MS, () => {
      action();
      again();
    });
  };
  again();
  return () => stop();
}

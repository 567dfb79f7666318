import { type Event, type KubeObject, type ObjectReference, resources } from "#api";
import { type Clock, type Log, messageOf } from "#base";
import { ApiFailure, isNamespaceTerminating, type KubeClient } from "./client.ts";
import type { EventRecorder } from "./ports.ts";

/** Events that wait to be sent; beyond it new ones are dropped, since an event is never worth the memory of its sender. */
const MAX_QUEUED_COUNT = 1000;
/** Events remembered for counting repeats. Source: client-go `tools/record` maxLruCacheEntries 4096; fewer suffice here. */
const MAX_REMEMBERED_COUNT = 2048;

type RecordedEvent = Parameters<EventRecorder["record"]>[0];

/** An event that was written, to be counted up when it repeats. */
interface Written {
  readonly name: string;
  readonly count: number;
}

/**
 * Makes a recorder that writes in the background, one request at a time, in the order of recording.
 *
 * The same reason and message about the same object become one Event whose count rises. Source: client-go `tools/record`.
 */
export function createEventRecorder(options: {
  readonly client: KubeClient;
  /** Who reports, such as `deployment-controller`. */
  readonly component: string;
  readonly clock: Clock;
  readonly log: Log;
}): EventRecorder {
  const { client, clock, log } = options;
  const queue: { readonly event: RecordedEvent; readonly atMs: number }[] = [];
  const written = new Map<string, Written>();
  let sending: Promise<void> | undefined;
  let sequence = 0;

  async function drain(): Promise<void> {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      try {
        await send(next.event, next.atMs);
      } catch (thrown) {
        const { reason, object } = next.event;
        const fields = { reason, object: object.name, error: messageOf(thrown) };
        // Objects of a namespace that is being emptied still have things happen to them, but nobody can write it down.
        if (isNamespaceTerminating(thrown)) log.debug("event dropped", fields);
        else log.warn("event dropped", fields);
      }
    }
    sending = undefined;
  }

  async function send(event: RecordedEvent, atMs: number): Promise<void> {
    const key = JSON.stringify([event.object.uid, event.object.name, event.type, event.reason, event.message]);
    const before = written.get(key);
    const after =
      (before === undefined ? undefined : await countUp(event, before, atMs)) ?? (await create(event, atMs));
    // Deleting first moves the entry to the end, so that the first entry is the one longest unused.
    written.delete(key);
    written.set(key, after);
    for (const oldest of written.keys()) {
      if (written.size <= MAX_REMEMBERED_COUNT) break;
      written.delete(oldest);
    }
  }

  /** Undefined when the event has been deleted meanwhile (events expire). */
  async function countUp(event: RecordedEvent, before: Written, atMs: number): Promise<Written | undefined> {
    const count = before.count + 1;
    const key = { namespace: namespaceOf(event), name: before.name };
    const body = { count, lastTimestamp: formatSeconds(atMs) };
    try {
      await client.patch(resources.events, key, { kind: "merge", body });
      return { name: before.name, count };
    } catch (thrown) {
      if (thrown instanceof ApiFailure && thrown.httpStatus === 404) return undefined;
      throw thrown;
    }
  }

  async function create(event: RecordedEvent, atMs: number): Promise<Written> {
    sequence += 1;
    const name = `${event.object.name ?? "unknown"}.${uniqueSuffix(atMs, sequence)}`;
    await client.create(resources.events, eventOf(event, { name, component: options.component, atMs }));
    return { name, count: 1 };
  }

  return {
    record(event) {
      if (queue.length >= MAX_QUEUED_COUNT) {
        log.warn("event dropped, too many wait", { reason: event.reason, object: event.object.name });
        return;
      }
      queue.push({ event, atMs: clock.nowMs() });
      sending ??= drain();
    },
    async flush() {
      while (sending !== undefined) await sending;
    },
  };
}

/** Refers to an object, for events and the like. */
export function referenceTo(object: KubeObject): ObjectReference {
  const { name, namespace, uid, resourceVersion } = object.metadata;
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    ...(name === undefined ? {} : { name }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  };
}

function eventOf(event: RecordedEvent, by: { name: string; component: string; atMs: number }): Event {
  const at = formatSeconds(by.atMs);
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: by.name, namespace: namespaceOf(event) },
    involvedObject: event.object,
    type: event.type,
    reason: event.reason,
    // Source: the events API accepts 1024 characters of note.
    message: event.message.slice(0, 1024),
    count: 1,
    firstTimestamp: at,
    lastTimestamp: at,
    source: { component: by.component },
    reportingComponent: by.component,
    reportingInstance: "",
  };
}

/** Events about cluster-scoped objects live in `default`. Source: client-go `tools/record` makeEvent. */
function namespaceOf(event: RecordedEvent): string {
  return event.object.namespace ?? "default";
}

/** Nanoseconds in hex, as clients write them; the sequence stands for the digits that the clock lacks. */
function uniqueSuffix(atMs: number, sequence: number): string {
  return (BigInt(Math.floor(atMs)) * 1_000_000n + BigInt(sequence % 1_000_000)).toString(16);
}

function formatSeconds(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19)}Z`;
}

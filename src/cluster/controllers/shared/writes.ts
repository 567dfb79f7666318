import type { KubeObject, OwnerReference, Resource } from "#api";
import { unreachable } from "#base";
import {
  type DeleteOptions,
  type EventRecorder,
  type KubeClient,
  type ObjectKey,
  referenceTo,
  type WriteOptions,
} from "#kube";
import { objectKey } from "./object-key.ts";

/** What a plan asks for. Plans are pure; {@link performWrites} is where they become requests. */
export type Write =
  | { readonly verb: "create"; readonly resource: Resource; readonly object: KubeObject }
  /** PUT with the resourceVersion of the object that the plan saw, so a plan made from a stale copy is refused. */
  | {
      readonly verb: "update";
      readonly resource: Resource;
      readonly object: KubeObject;
      readonly subresource?: "status";
    }
  | { readonly verb: "patch"; readonly resource: Resource; readonly key: ObjectKey; readonly body: unknown }
  | { readonly verb: "delete"; readonly resource: Resource; readonly key: ObjectKey; readonly options: DeleteOptions }
  /** Recorded once the writes before it have succeeded. */
  | { readonly verb: "event"; readonly about: KubeObject; readonly event: EventText };

export interface EventText {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

interface WritePorts {
  readonly client: KubeClient;
  readonly events: EventRecorder;
  /** Told of every object that was created or updated, as the server returned it. */
  readonly onWritten?: (object: KubeObject) => void;
}

/** Performs writes in order; the first that fails ends it, and the next reconcile plans anew from what it left. */
export async function performWrites(ports: WritePorts, writes: readonly Write[]): Promise<void> {
  for (const write of writes) await perform(ports, write);
}

async function perform(ports: WritePorts, write: Write): Promise<void> {
  const { client } = ports;
  const written = (object: KubeObject): void => ports.onWritten?.(object);
  switch (write.verb) {
    case "create":
      written(await client.create(write.resource, write.object));
      return;
    case "update":
      written(await client.update(write.resource, write.object, subresourceOf(write)));
      return;
    case "patch":
      await client.patch(write.resource, write.key, { kind: "merge", body: write.body });
      return;
    case "delete":
      await client.delete(write.resource, write.key, write.options);
      return;
    case "event":
      recordAbout(ports.events, write.about, write.event);
      return;
    default:
      unreachable(write);
  }
}

function subresourceOf(write: Extract<Write, { verb: "update" }>): WriteOptions {
  return write.subresource === undefined ? {} : { subresource: write.subresource };
}

/** Records an event about an object. */
export function recordAbout(events: EventRecorder, about: KubeObject, event: EventText): void {
  events.record({ object: referenceTo(about), ...event });
}

/** A merge patch that leaves nothing of a list removes the field, as servers store it. */
export function listOrNull<T>(list: readonly T[]): readonly T[] | null {
  return list.length === 0 ? null : list;
}

/** The change of owner references that takes an orphan over, or lets an object go. The uid guards against a namesake. */
export function ownerReferencesPatch(
  resource: Resource,
  object: KubeObject,
  references: readonly OwnerReference[],
): Write {
  const body = { metadata: { uid: object.metadata.uid, ownerReferences: listOrNull(references) } };
  return { verb: "patch", resource, key: objectKey(object), body };
}

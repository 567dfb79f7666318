import type { Canary } from "#api";
import { floorConfigName, type Holding, type MarkedObject, type MarkIndex, planSweep } from "../capacity/index.ts";
import type { FloorContext } from "./set-floor.ts";
import { writePlanned } from "./set-floor.ts";

/** Takes back what Canaries of a namespace have written on objects of others, and that are gone. Each takes one write. */
export async function sweepNamespace(namespace: string, marks: MarkIndex, context: FloorContext): Promise<void> {
  const holders = marks.holders(namespace);
  if (holders.length === 0) return;
  const present = new Set(context.views.canaries.list(namespace).map(({ metadata }) => metadata.uid));
  for (const uid of holders.filter((one) => !present.has(one)))
    for (const marked of marks.of(namespace, uid)) await sweepObject(marked, { uid, holding: "gone" }, context);
}

/** Takes back the floors of a Canary that names another autoscaler now. */
export async function sweepCanary(canary: Canary, marks: MarkIndex, context: FloorContext): Promise<void> {
  const { namespace = "", uid = "" } = canary.metadata;
  for (const marked of marks.of(namespace, uid))
    if (!isUsed(marked, canary)) await sweepObject(marked, { uid, holding: "other" }, context);
}

function isUsed({ resource, name }: MarkedObject, { metadata, spec }: Canary): boolean {
  if (resource.kind === "ConfigMap") return name === floorConfigName(metadata.name ?? "");
  const ref = spec?.autoscalerRef;
  return ref?.kind === resource.kind && (name === ref.name || name === `${ref.name}-primary`);
}

async function sweepObject(
  { resource, namespace, name }: MarkedObject,
  of: { readonly uid: string; readonly holding: Holding },
  context: FloorContext,
): Promise<void> {
  const object = context.views.of(resource)?.get({ namespace, name });
  if (object === undefined) return;
  // Of what another Canary has written on the same object nothing is said here.
  const written = await writePlanned(object, context, (live) =>
    planSweep(live, (uid) => (uid === of.uid ? of.holding : "uses")),
  );
  if (written !== undefined)
    context.log.info("what was held for a Canary was given back", { kind: resource.kind, namespace, name, ...of });
}

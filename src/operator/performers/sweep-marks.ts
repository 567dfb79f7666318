import { type Canary, isControlledBy, resources } from "#api";
import { completeStatus } from "#rollout";
import {
  floorConfigName,
  floorTriggerIndex,
  type Holding,
  type MarkedObject,
  type MarkIndex,
  planSweep,
} from "../capacity/index.ts";
import { WriteRefused } from "../views/index.ts";
import { type FloorContext, writePlanned } from "./set-floor.ts";
import { hasEnded } from "./stray-floors.ts";

/**
 * Takes back what Canaries of a namespace have written on objects of others, and that are gone. Each takes one write. False
 * when the API server refused one of them: it is to be tried again, and keeps none of the others waiting.
 */
export async function sweepNamespace(namespace: string, marks: MarkIndex, context: FloorContext): Promise<boolean> {
  const holders = marks.holders(namespace);
  if (holders.length === 0) return true;
  const present = new Set(context.views.canaries.list(namespace).map(({ metadata }) => metadata.uid));
  let isSwept = true;
  for (const uid of holders.filter((one) => !present.has(one)))
    for (const marked of marks.of(namespace, uid))
      isSwept = (await sweepObject(marked, { uid, holding: "gone" }, context)) && isSwept;
  return isSwept;
}

/** Takes back the floors of a Canary that names another autoscaler now; false as {@link sweepNamespace} gives it. */
export async function sweepCanary(canary: Canary, marks: MarkIndex, context: FloorContext): Promise<boolean> {
  const { namespace = "", uid = "" } = canary.metadata;
  let isSwept = true;
  for (const marked of marks.of(namespace, uid))
    if (!isUsed(marked, canary, context) && !isServing(marked, canary, context))
      isSwept = (await sweepObject(marked, { uid, holding: "other" }, context)) && isSwept;
  return isSwept;
}

function isUsed({ resource, name }: MarkedObject, canary: Canary, context: FloorContext): boolean {
  const { metadata, spec } = canary;
  if (resource.kind === "ConfigMap")
    return name === floorConfigName(metadata.name ?? "") && hasTrigger(canary, context);
  const ref = spec?.autoscalerRef;
  return ref?.kind === resource.kind && (name === ref.name || name === `${ref.name}-primary`);
}

/** Whether a ScaledObject of the Canary takes its floor from the ConfigMap; one that is not read yet may do so. */
function hasTrigger({ metadata, spec }: Canary, { views }: FloorContext): boolean {
  const { namespace = "", name: canary = "" } = metadata;
  const ref = spec?.autoscalerRef;
  if (ref?.kind !== "ScaledObject") return false;
  const read = (name: string) => views.of(resources.scaledObjects)?.get({ namespace, name });
  const [source, twin] = [read(ref.name), read(`${ref.name}-primary`)];
  if (source === undefined || floorTriggerIndex(source, { canary, copy: "canary" }) !== undefined) return true;
  return twin !== undefined && floorTriggerIndex(twin, { canary, copy: "primary" }) !== undefined;
}

/**
 * Whether it is what holds the primary of a release that is on its way: the old twin, until the new one is there, and the
 * ConfigMap that it may read. Held for longer it means more pods, not fewer.
 */
function isServing({ resource, namespace, name }: MarkedObject, canary: Canary, { views }: FloorContext): boolean {
  if (hasEnded(completeStatus(canary.status))) return false;
  const object = views.of(resource)?.get({ namespace, name });
  return resource.kind === "ConfigMap" || (object !== undefined && isControlledBy(object, canary));
}

/** Whether nothing is left to give back. */
async function sweepObject(
  { resource, namespace, name }: MarkedObject,
  of: { readonly uid: string; readonly holding: Holding },
  context: FloorContext,
): Promise<boolean> {
  const { views, log } = context;
  const object = views.of(resource)?.get({ namespace, name });
  if (object === undefined) return true;
  const about = { kind: resource.kind, namespace, name, ...of };
  try {
    // Of what another Canary has written on the same object nothing is said here.
    const plan = (live: typeof object) => planSweep(live, (uid) => (uid === of.uid ? of.holding : "uses"));
    const written = await writePlanned(object, context, plan);
    if (written !== undefined) log.info("what was held for a Canary was given back", about);
    return true;
  } catch (thrown) {
    if (!(thrown instanceof WriteRefused)) throw thrown;
    log.warn("what was held for a Canary is not given back; let the operator's role and admission policies allow it", {
      ...about,
      error: thrown.message,
    });
    return false;
  }
}

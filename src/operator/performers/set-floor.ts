import { type ConfigMap, type KubeObject, keyOf } from "#api";
import { assert } from "#base";
import { ApiFailure } from "#kube";
import type { Command } from "#rollout";
import {
  type CopyName,
  type FloorMemory,
  type FloorPlan,
  floorConfigName,
  floorTriggerIndex,
  heldFloor,
  markedResource,
  planFloor,
  planFloorConfig,
  planRelease,
} from "../capacity/index.ts";
import { plainText } from "../gates/index.ts";
import type { OperatorContext } from "../operator-context.ts";
import { hasCanary, scalerOf, type Snapshot } from "../reconcilers/index.ts";
import { readLease } from "../scalers/index.ts";
import { WriteRefused } from "../views/index.ts";
import { viewOf } from "./write-objects.ts";

/** How often a floor is planned anew when others write to its object meanwhile, which an autoscaler's status does. */
const ATTEMPT_COUNT = 4;

/** What floors are written with. */
export type FloorContext = Pick<OperatorContext, "views" | "clock" | "log">;

export interface FloorOptions {
  readonly snapshot: Snapshot;
  readonly floors: FloorMemory;
}

type FloorCommand = Extract<Command, { kind: "set-floor" }>;

/** Refusals are told in a condition, which has little room. */
const MAX_WORDS_LENGTH = 300;

/**
 * Holds a copy's autoscaler above a number of pods, or lets it go. A ScaledObject with a floor trigger is left alone, and the
 * number is written where the trigger reads it.
 *
 * A floor that the API server refuses is remembered, to be told and tried again, and ends nothing: floors are raised before
 * traffic moves, and no write that is refused may keep traffic where it hurts. Without the pods no more traffic comes.
 */
export async function setFloor(command: FloorCommand, options: FloorOptions, context: FloorContext): Promise<void> {
  const { snapshot, floors } = options;
  const id = { key: keyOf(snapshot.canary), copy: command.copy };
  try {
    await writeFloor(command, options, context);
    floors.refused(id, undefined);
  } catch (thrown) {
    if (!(thrown instanceof WriteRefused)) throw thrown;
    const words = plainText(thrown.status?.message ?? thrown.message, MAX_WORDS_LENGTH);
    floors.refused(id, { code: thrown.code, words });
    context.log.warn("a floor was not written", { ...id, object: thrown.object, error: words });
  }
}

/** Whether a floor of the Canary is still to be written, or to be given back. */
export function isFloorRefused({ snapshot, floors }: FloorOptions): boolean {
  const key = keyOf(snapshot.canary);
  return (["primary", "canary"] as const).some((copy) => floors.refusal({ key, copy }) !== undefined);
}

/** A refused floor is asked for again at each look; one that is not asked for any more is not refused. */
export function forgetRefusals(commands: readonly Command[], { snapshot, floors }: FloorOptions): void {
  const key = keyOf(snapshot.canary);
  for (const copy of ["primary", "canary"] as const)
    if (!commands.some((command) => command.kind === "set-floor" && command.copy === copy))
      floors.refused({ key, copy }, undefined);
}

async function writeFloor(
  { copy, replicaCount }: FloorCommand,
  { snapshot, floors }: FloorOptions,
  context: FloorContext,
): Promise<void> {
  const named = scalerOf(copy, snapshot);
  if (named === undefined) return;
  const id = { key: keyOf(snapshot.canary), copy };
  const hasTrigger = floorTriggerIndex(named, { canary: snapshot.names.canary, copy }) !== undefined;
  if (hasTrigger) await setFloorConfig({ copy, replicaCount }, snapshot, context);
  // A lease from before the trigger was added is given back.
  const wanted = hasTrigger ? undefined : replicaCount;
  const nowMs = context.clock.nowMs();
  const canaryUid = snapshot.canary.metadata.uid ?? "";
  const isGone = (uid: string): boolean => !hasCanary(uid, snapshot.names.namespace, context.views);
  const result = await writePlanned(named, context, (live) => {
    const objectUid = live.metadata.uid ?? "";
    const written = floors.written(id, objectUid);
    const isHeld = heldFloor(live, canaryUid) !== undefined;
    const mayWrite = wanted !== undefined && floors.mayWrite(id, { objectUid, isHeld }, nowMs);
    // Who does not go on takes back what is left.
    if (!mayWrite) return planRelease(live, canaryUid, written);
    return planFloor(live, wanted, { canaryUid, isGone, ...(written === undefined ? {} : { written }) });
  });
  if (wanted === undefined) return floors.gaveBack(id);
  const reading = result === undefined ? undefined : readLease(result);
  if (reading?.kind === "held") floors.wrote(id, { objectUid: result?.metadata.uid ?? "", lease: reading.lease });
}

/**
 * Plans from the object as it is known now, and again when somebody else wrote to it in between. Resolves with what was
 * written; undefined when nothing was to be.
 */
export async function writePlanned(
  named: KubeObject,
  context: FloorContext,
  plan: (live: KubeObject) => FloorPlan,
): Promise<KubeObject | undefined> {
  const resource = markedResource(named);
  assert(resource !== undefined, `a ${named.kind} has no floor`);
  const view = viewOf(resource, context);
  const { namespace = "", name = "" } = named.metadata;
  for (let attempt = 1; ; attempt++) {
    // An earlier command may have written to it; the view knows.
    const live = view.get({ namespace, name });
    const planned: FloorPlan = live === undefined ? { kind: "none" } : plan(live);
    if (planned.kind !== "patch") return undefined;
    try {
      return await view.patch({ namespace, name }, { kind: "merge", body: planned.body });
    } catch (thrown) {
      const isConflict = thrown instanceof ApiFailure && thrown.httpStatus === 409;
      if (!isConflict || attempt >= ATTEMPT_COUNT) throw thrown;
    }
  }
}

async function setFloorConfig(
  { copy, replicaCount }: { readonly copy: CopyName; readonly replicaCount: number | undefined },
  { canary, names }: Snapshot,
  { views }: FloorContext,
): Promise<void> {
  const { namespace, canary: name } = names;
  const key = { namespace, name: floorConfigName(name) };
  const live: ConfigMap | undefined = views.configMaps.get(key);
  const canaryUid = canary.metadata.uid ?? "";
  const plan = planFloorConfig(live, { namespace, canary: name, canaryUid, copy, floor: replicaCount });
  if (plan.kind === "create") await views.configMaps.create(plan.object);
  if (plan.kind === "patch") await views.configMaps.patch(key, { kind: "merge", body: plan.body });
}

import { keyOf } from "#api";
import { type CopyName, floorTriggerIndex, type FloorMemory, heldFloor, markedResource } from "../capacity/index.ts";
import type { FloorContext } from "./set-floor.ts";
import { floorInForce, scalerOf, type Snapshot } from "../reconcilers/index.ts";
import { WriteRefused } from "../views/index.ts";
import { writeReplicas } from "./write-replicas.ts";

/**
 * Gives a copy at once the pods that its autoscaler will give it at its next look, up to 15 s later: only upward, once for
 * each raise, and only when the raised bound is seen in force, as anything else would be undone. A copy without pods is left
 * to who wakes it. Source: keda-hpa-spec 18.2, 22 (i).
 */
export async function nudgeReplicas(
  of: { readonly snapshot: Snapshot; readonly floors: FloorMemory },
  context: FloorContext,
): Promise<void> {
  for (const copy of ["primary", "canary"] as const) await nudge(copy, of, context);
}

async function nudge(
  copy: CopyName,
  { snapshot, floors }: { readonly snapshot: Snapshot; readonly floors: FloorMemory },
  { views, log }: FloorContext,
): Promise<void> {
  const { workload, names, canary } = snapshot;
  const scaler = scalerOf(copy, snapshot);
  const floor = floorInForce(copy, snapshot);
  if (workload?.kind !== "Deployment" || scaler === undefined || floor === undefined) return;
  // That floor is a metric: it rises as the autoscaler's own rules let it.
  if (floorTriggerIndex(scaler, { canary: names.canary, copy }) !== undefined) return;
  // Lowered or given back at this very look: the autoscaler would undo what is asked for.
  const resource = markedResource(scaler);
  const live = resource && views.of(resource)?.get({ namespace: names.namespace, name: scaler.metadata.name ?? "" });
  if (live === undefined || heldFloor(live, canary.metadata.uid ?? "") !== floor) return;
  const key = { namespace: names.namespace, name: copy === "primary" ? names.primary : names.target };
  const count = views.deployments.get(key)?.spec.replicas ?? 0;
  if (count <= 0 || count >= floor) return;
  if (!floors.isFirstNudge({ key: keyOf(canary), copy }, `${scaler.metadata.uid} ${floor}`)) return;
  const of = { canary: names.canaryRef, copy, from: count, to: floor };
  try {
    await writeReplicas(key, (now) => (now > 0 && now < floor ? floor : undefined), { views });
    log.debug("pods asked for at once", of);
  } catch (thrown) {
    if (!(thrown instanceof WriteRefused)) throw thrown;
    // The autoscaler asks for them at its next look.
    log.info("pods were not asked for at once", { ...of, error: thrown.message });
  }
}

import { isControlledBy, type KubeObject, resources } from "#api";
import { completeStatus, conditionOf } from "#rollout";
import { withRestMark } from "../capacity/index.ts";
import type { OperatorContext } from "../operator-context.ts";
import type { Snapshot } from "../reconcilers/index.ts";
import { pauseOf, planTwin } from "../scalers/index.ts";
import { viewOf } from "./write-objects.ts";
import { writeReplicas } from "./write-replicas.ts";

/** What commands about autoscalers and replicas write. Each is a patch of what differs, so that others' fields stay. */

type Writing = Pick<OperatorContext, "views">;

/**
 * Brings the twin in step with its source, whatever the release is at, and takes away the twins of autoscalers that the
 * Canary no longer names. Which goes first is KEDA's to say: it takes no ScaledObject beside another autoscaler of the same
 * workload, so an old twin goes before, and the new one comes when it is seen to be gone; the primary keeps its pods
 * meanwhile. Two HPAs may stand side by side for a moment, so there the new one comes first. Source: keda-hpa-spec 3.1, 20.4.
 */
export async function ensureScaler(snapshot: Snapshot, context: Writing): Promise<void> {
  const { scaler, canary } = snapshot;
  // An autoscaler that cannot be read is no reason to leave the primary without one.
  if (canary.spec.autoscalerRef !== undefined && scaler?.source === undefined) return;
  const { orphans, foreign } = snapshot.scalerScene().others;
  const isTaken = scaler?.primary !== undefined && !isControlledBy(scaler.primary, canary);
  const write = scaler === undefined || isTaken ? undefined : planTwin(scaler);
  // Beside an autoscaler of somebody else nothing comes and nothing goes; what is ours already is kept in step.
  if (isTaken || (foreign.length > 0 && write?.kind !== "patch")) return;
  if (scaler?.resource === resources.scaledObjects && write?.kind === "create" && orphans.length > 0)
    return drop(orphans, snapshot, context);
  if (scaler !== undefined && write !== undefined) {
    const view = viewOf(scaler.resource, context);
    const { namespace } = snapshot.names;
    if (write.kind === "create") await view.create(write.object);
    else await view.patch({ namespace, name: write.name }, { kind: "merge", body: write.body });
  }
  if (foreign.length > 0) return;
  await drop(orphans, snapshot, context);
  await wakePrimary(snapshot, context);
  await keepAtRest(snapshot, context);
}

/** By UID: what took the name meanwhile is somebody else's. */
async function drop(orphans: readonly KubeObject[], { names }: Snapshot, context: Writing): Promise<void> {
  for (const { kind, metadata } of orphans) {
    const { name = "", uid = "", deletionTimestamp } = metadata;
    if (deletionTimestamp !== undefined) continue;
    const resource = kind === "ScaledObject" ? resources.scaledObjects : resources.horizontalPodAutoscalers;
    await viewOf(resource, context).delete({ namespace: names.namespace, name }, { uid });
  }
}

/**
 * Gives a primary without pods those that its ScaledObject keeps at least. KEDA does it too, but only where it can read every
 * trigger, and at its next poll. Source: keda-hpa-spec 20.10, 20.16.
 */
async function wakePrimary({ scaler, workload, names }: Snapshot, context: Writing): Promise<void> {
  if (scaler?.resource !== resources.scaledObjects || workload?.primary === undefined) return;
  const { minReplicaCount: minCount, idleReplicaCount: idleCount } = scaler.twin?.spec ?? {};
  const isPaused = scaler.primary !== undefined && pauseOf(scaler.primary).kind === "foreign";
  // One that idles has no pods while nothing is asked of it; KEDA would take them away again.
  if (isPaused || idleCount !== undefined || typeof minCount !== "number" || minCount < 1) return;
  if (workload.kind !== "Deployment") return;
  const key = { namespace: names.namespace, name: names.primary };
  await writeReplicas(key, (count) => (count === 0 ? minCount : undefined), context);
}

/**
 * Pauses a target at rest again whose pause somebody took away: a GitOps tool that does not know of it, or a person whose own
 * pause took its place. KEDA takes the pods away that it has brought since. Source: keda-hpa-spec 20.2.
 */
async function keepAtRest(snapshot: Snapshot, context: Writing): Promise<void> {
  const { scaler, names } = snapshot;
  const name = scaler?.source?.metadata.name;
  if (scaler === undefined || name === undefined || !isAtRest(snapshot)) return;
  const hold = scaler.hold(true);
  if (hold === undefined) return;
  const body = withRestMark(hold, { isHeld: true, canaryUid: snapshot.canary.metadata.uid ?? "" });
  await viewOf(scaler.resource, context).patch({ namespace: names.namespace, name }, { kind: "merge", body });
}

/** Condition of a canary whose traffic has left and whose pods are still to go. */
const DRAINING = "Draining";
const AT_REST: ReadonlySet<string> = new Set(["Initialized", "Succeeded", "Failed"]);

/** No traffic, none on its way, no revision to come, and a primary that serves. */
function isAtRest({ canary, routing, scaler, workload }: Snapshot): boolean {
  const status = completeStatus(canary.status);
  if (!AT_REST.has(status.phase) || status.canaryWeight > 0 || scaler?.isReleasing !== false) return false;
  if (conditionOf(status, DRAINING) !== undefined || (workload?.observePrimary()?.readyCount ?? 0) === 0) return false;
  const reading = routing?.router.read(routing.context, routing.live);
  return reading?.kind === "read" ? reading.state.canaryWeight === 0 : reading?.kind === "absent";
}

/** Takes back what keeps a target awake, now that nothing of the Canary's is left to do. */
export async function settleScaler({ scaler, names }: Snapshot, context: Writing): Promise<void> {
  const name = scaler?.source?.metadata.name;
  const body = scaler?.settle();
  if (scaler === undefined || name === undefined || body === undefined) return;
  await viewOf(scaler.resource, context).patch({ namespace: names.namespace, name }, { kind: "merge", body });
}

/**
 * Scales the target. An autoscaler that would work against it is held before, and let go before pods are asked for. A target
 * that has more pods by now keeps them, unless it is to rest.
 */
export async function scaleTarget(replicaCount: number, snapshot: Snapshot, context: Writing): Promise<void> {
  const { workload, scaler, names, canary } = snapshot;
  const hold = scaler?.hold(replicaCount === 0);
  const scalerName = scaler?.source?.metadata.name;
  const { namespace } = names;
  if (scaler !== undefined && hold !== undefined && scalerName !== undefined) {
    const body = withRestMark(hold, { isHeld: replicaCount === 0, canaryUid: canary.metadata.uid ?? "" });
    await viewOf(scaler.resource, context).patch({ namespace, name: scalerName }, { kind: "merge", body });
  }
  const body = workload?.scale(replicaCount);
  if (workload === undefined || body === undefined) return;
  const key = { namespace, name: names.target };
  if (workload.kind !== "Deployment") await viewOf(workload.resource, context).patch(key, { kind: "merge", body });
  else
    await writeReplicas(key, (now) => (replicaCount === 0 || now < replicaCount ? replicaCount : undefined), context);
}

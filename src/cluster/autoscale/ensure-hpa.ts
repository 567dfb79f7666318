import { type HorizontalPodAutoscaler, type OwnerReference, resources, type ScaledObject } from "#api";
import { Failure } from "#base";
import type { KubeClient } from "#kube";
import { controllerOf, controllerReference } from "../controllers/index.ts";
import { generateHpa, hpaNameOf, type TriggerMetrics } from "./plan/generate-hpa.ts";
import { needsRewrite } from "./plan/needs-rewrite.ts";
import { annotations } from "./plan/pause.ts";
import { hpaBounds, replicaBounds } from "./plan/replica-bounds.ts";
import { identityOf } from "./session.ts";

const HPA = resources.horizontalPodAutoscalers;

/**
 * Makes the live autoscaler the generated one: creates it, rewrites it, or takes over another's when an annotation says so.
 *
 * @param previousName Name of the autoscaler that it had before; one of another name goes.
 * @returns whether it was created.
 * @throws Failure `ForeignHpa` when an autoscaler of the name belongs to someone else.
 */
export async function ensureHpa(
  client: KubeClient,
  of: {
    readonly object: ScaledObject;
    readonly metrics: TriggerMetrics;
    /** Of the target. */
    readonly size: number;
    readonly previousName: string | undefined;
  },
): Promise<boolean> {
  const { object, metrics, previousName, size } = of;
  const wanted = generateHpa(object, metrics, { owner: ownerOf(object), size });
  const name = hpaNameOf(object);
  const live = await client.get<HorizontalPodAutoscaler>(HPA, keyOfHpa(object, name));
  if (live !== undefined && !mayTakeOver(object, live)) {
    const message =
      `the autoscaler "${name}" is not this ScaledObject's; delete it, or set the annotation ` +
      `"${annotations.transferHpa}" to "true" and its name in spec.advanced.horizontalPodAutoscalerConfig.name`;
    throw new Failure(message, { code: "ForeignHpa" });
  }
  // Only now: a name that is refused leaves the autoscaler that there is in force.
  if (previousName !== undefined && previousName !== name) await deleteHpa(client, object, previousName);
  if (live === undefined) {
    await client.create<HorizontalPodAutoscaler>(HPA, wanted);
    return true;
  }
  if (!needsRewrite(wanted, live)) return false;
  const { uid, resourceVersion } = live.metadata;
  const versioned = { ...wanted.metadata, ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) };
  await client.update<HorizontalPodAutoscaler>(HPA, { ...wanted, metadata: versioned });
  return false;
}

/** Gives the autoscaler the bounds for the size that its target has now. */
export async function keepBounds(
  client: KubeClient,
  of: { readonly object: ScaledObject; readonly hpa: HorizontalPodAutoscaler; readonly size: number },
): Promise<void> {
  const { object, hpa, size } = of;
  const bounds = hpaBounds(replicaBounds(object.spec), size);
  const { uid, name = "" } = hpa.metadata;
  if (hpa.spec.minReplicas === bounds.minReplicas && hpa.spec.maxReplicas === bounds.maxReplicas) return;
  await client.patch(HPA, keyOfHpa(object, name), { kind: "merge", body: { metadata: { uid }, spec: bounds } });
}

/** Deletes the autoscaler unless it is another's. */
export async function deleteHpa(client: KubeClient, object: ScaledObject, name: string): Promise<void> {
  const key = keyOfHpa(object, name);
  const live = await client.get<HorizontalPodAutoscaler>(HPA, key);
  const uid = live?.metadata.uid;
  if (live === undefined || uid === undefined || !isOwnedBy(live, object)) return;
  await client.delete(HPA, key, { preconditions: { uid } });
}

/** Whether an autoscaler is a ScaledObject's. */
export function isOwnedBy(hpa: HorizontalPodAutoscaler, { metadata }: ScaledObject): boolean {
  return controllerOf(hpa)?.uid === metadata.uid;
}

/**
 * KEDA overwrites whatever has the name and leaves it to its webhook to ask before. Here one without an owner is taken over when
 * it was generated for this ScaledObject, any other only with the annotation.
 */
function mayTakeOver(object: ScaledObject, live: HorizontalPodAutoscaler): boolean {
  const { name } = identityOf(object);
  if (isOwnedBy(live, object) || object.metadata.annotations?.[annotations.transferHpa] === "true") return true;
  const { labels = {} } = live.metadata;
  const isGenerated = labels["app.kubernetes.io/managed-by"] === "keda-operator";
  return controllerOf(live) === undefined && isGenerated && labels["app.kubernetes.io/part-of"] === name;
}

function ownerOf(object: ScaledObject): OwnerReference {
  return controllerReference(object, resources.scaledObjects);
}

function keyOfHpa(object: ScaledObject, name: string) {
  return { namespace: identityOf(object).namespace, name };
}

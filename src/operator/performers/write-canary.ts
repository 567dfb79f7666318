import { ApiFailure } from "#kube";
import { FINALIZER, INTENT_ANNOTATION } from "#rollout";
import type { OperatorContext } from "../operator-context.ts";
import type { Snapshot } from "../reconcilers/index.ts";

/** What commands about the Canary's own metadata write: patches that fail rather than undo what somebody else wrote. */

export async function addFinalizer(snapshot: Snapshot, context: OperatorContext): Promise<void> {
  const { finalizers } = snapshot.canary.metadata;
  if (finalizers?.includes(FINALIZER) === true) return;
  await patch(snapshot, context, [
    // A list that is there is tested and added to; without one the object must be the one that had none.
    ...(finalizers === undefined
      ? [{ op: "test", path: "/metadata/resourceVersion", value: snapshot.canary.metadata.resourceVersion }]
      : [{ op: "test", path: "/metadata/finalizers", value: finalizers }]),
    finalizers === undefined
      ? { op: "add", path: "/metadata/finalizers", value: [FINALIZER] }
      : { op: "add", path: "/metadata/finalizers/-", value: FINALIZER },
  ]);
}

export async function removeFinalizer(snapshot: Snapshot, context: OperatorContext): Promise<void> {
  const index = snapshot.canary.metadata.finalizers?.indexOf(FINALIZER) ?? -1;
  if (index < 0) return;
  const path = `/metadata/finalizers/${index}`;
  await patch(snapshot, context, [
    { op: "test", path, value: FINALIZER },
    { op: "remove", path },
  ]);
}

/** Takes an intent back that was answered; one that was written meanwhile stays, and is looked at next. */
export async function clearIntent(snapshot: Snapshot, context: OperatorContext): Promise<void> {
  const value = snapshot.canary.metadata.annotations?.[INTENT_ANNOTATION];
  if (value === undefined) return;
  const path = `/metadata/annotations/${INTENT_ANNOTATION.replaceAll("~", "~0").replaceAll("/", "~1")}`;
  try {
    await patch(snapshot, context, [
      { op: "test", path, value },
      { op: "remove", path },
    ]);
  } catch (thrown) {
    const isOther = thrown instanceof ApiFailure && thrown.httpStatus === 422;
    if (!isOther) throw thrown;
    context.log.info("intent changed before it was taken back", { canary: snapshot.names.canaryRef });
  }
}

async function patch({ names }: Snapshot, { views }: OperatorContext, body: readonly object[]): Promise<void> {
  await views.canaries.patch({ namespace: names.namespace, name: names.canary }, { kind: "json", body });
}

import type { KubeObject } from "#api";
import type { Problem } from "#base";
import { FLOOR_ANNOTATION, readLease } from "../scalers/index.ts";
import { type CopyName, floorTriggerIndex } from "./floor-trigger.ts";

const MAX_TEXT_LENGTH = 100;

/** Why a copy's autoscaler is not held above a number of pods, though it should be. A release goes on, and waits for pods. */
export function floorProblem(
  scaler: KubeObject,
  of: {
    readonly canary: string;
    readonly copy: CopyName;
    readonly canaryUid: string;
    /** Times that somebody wrote the floor back, when that is why it is not written any more. */
    readonly revertedCount: number | undefined;
    /** What the API server says to its being written, when it refuses it. */
    readonly refusal: string | undefined;
    readonly isGone: (canaryUid: string) => boolean;
  },
): Problem | undefined {
  const path = `${scaler.kind} ${scaler.metadata.namespace ?? ""}/${scaler.metadata.name ?? ""}`;
  const reading = readLease(scaler);
  if (reading.kind === "unreadable")
    return {
      path,
      code: "floor-unreadable",
      message: `its annotation ${FLOOR_ANNOTATION} is not one of Serin's: ${JSON.stringify(reading.text.slice(0, MAX_TEXT_LENGTH))}; no floor is held`,
      fix: "set its lower bound to what it should be, and remove the annotation",
    };
  if (reading.kind === "held" && reading.lease.canary !== of.canaryUid && !of.isGone(reading.lease.canary))
    return {
      path,
      code: "floor-foreign",
      message: "another Canary holds a floor under it; no second one is held",
      fix: "give each Canary an autoscaler of its own",
    };
  if (of.refusal !== undefined)
    return {
      path,
      code: "floor-refused",
      message: `its floor cannot be written: ${of.refusal}; traffic waits for the pods that there are`,
      fix: "let the operator's role and the admission policies of the namespace allow it, or correct the object",
    };
  if (of.revertedCount === undefined || floorTriggerIndex(scaler, of) !== undefined) return undefined;
  const isKeda = scaler.kind === "ScaledObject";
  return {
    path,
    code: "floor-reverted",
    message: `somebody has set its lower bound back ${of.revertedCount} times while it was held for a release; no floor is held, and traffic waits for pods`,
    fix: `${isKeda ? `add a kubernetes-resource trigger on the ConfigMap ${of.canary}-floor, key ${of.copy}, or ` : ""}let the tool that writes it back ignore spec.${isKeda ? "minReplicaCount" : "minReplicas"}`,
  };
}

import type { KubeObject } from "#api";

/** How KEDA is told to let a target be. Source: keda-hpa-spec 2.1, 8. */

export const PAUSED_REPLICAS = "autoscaling.keda.sh/paused-replicas";
const PAUSED = "autoscaling.keda.sh/paused";
export const FORCE_ACTIVATION = "autoscaling.keda.sh/force-activation";
/** Says that the forced activation beside it is ours, with the UID of the Canary, so that nobody else's is taken back. */
export const AWAKE = "serin.dev/awake";

export type Pause =
  | { readonly kind: "none" }
  /** Held at no pods, as the target of a Canary rests. Flagger writes the same, and nobody else has a use for it. */
  | { readonly kind: "resting" }
  /** A person's own. */
  | { readonly kind: "foreign"; readonly annotation: string; readonly value: string };

/** Tells a pause of a person from that of a target at rest. */
export function pauseOf({ metadata: { annotations = {} } }: KubeObject): Pause {
  const { [PAUSED]: paused, [PAUSED_REPLICAS]: count } = annotations;
  if (paused !== undefined && isTrue(paused)) return { kind: "foreign", annotation: PAUSED, value: paused };
  if (count === undefined) return { kind: "none" };
  return count === "0" ? { kind: "resting" } : { kind: "foreign", annotation: PAUSED_REPLICAS, value: count };
}

/** KEDA takes whatever is no Go boolean for true. Source: keda-hpa-spec 2.1. */
function isTrue(value: string): boolean {
  return !["0", "f", "F", "false", "FALSE", "False"].includes(value);
}

/**
 * Merge patch of the target's ScaledObject after which it rests at no pods, or scales; undefined when it does. A pause of a
 * person stays, whatever is asked for.
 *
 * One that may sleep is kept awake for a release: with no traffic yet and its last activity long ago KEDA would take the
 * canary's pods away at the first poll. Source: keda-hpa-spec 7 (4c), 20.15.
 */
export function pausePatch(
  source: KubeObject,
  of: { readonly isHeld: boolean; readonly maySleep: boolean; readonly canaryUid: string },
): object | undefined {
  const pause = pauseOf(source);
  if (pause.kind === "foreign") return undefined;
  const isAwake = source.metadata.annotations?.[AWAKE] !== undefined;
  const isResting = pause.kind === "resting";
  const annotations = of.isHeld
    ? {
        ...(isResting ? {} : { [PAUSED_REPLICAS]: "0" }),
        ...(isAwake ? { [FORCE_ACTIVATION]: null, [AWAKE]: null } : {}),
      }
    : {
        ...(isResting ? { [PAUSED_REPLICAS]: null } : {}),
        ...(of.maySleep && !isAwakeFor(source, of.canaryUid) ? wakeful(of.canaryUid) : {}),
      };
  return Object.keys(annotations).length === 0 ? undefined : { metadata: { annotations } };
}

/** Merge patch that takes a forced activation of ours back, before the Canary goes; undefined without one. */
export function settlePatch({ metadata: { annotations = {} } }: KubeObject, canaryUid: string): object | undefined {
  if (annotations[AWAKE] !== canaryUid) return undefined;
  return { metadata: { annotations: { [FORCE_ACTIVATION]: null, [AWAKE]: null } } };
}

/**
 * Whether it is kept awake by a person, or for this Canary. What an earlier Canary of the name had written is taken over: it
 * would go with that one in the middle of the release.
 */
function isAwakeFor({ metadata: { annotations = {} } }: KubeObject, canaryUid: string): boolean {
  const { [FORCE_ACTIVATION]: forced, [AWAKE]: holder } = annotations;
  return forced !== undefined && (holder === undefined || holder === canaryUid);
}

function wakeful(canaryUid: string): Record<string, string> {
  return { [FORCE_ACTIVATION]: "true", [AWAKE]: canaryUid };
}

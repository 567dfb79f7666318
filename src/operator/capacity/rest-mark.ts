import type { KubeObject } from "#api";

/**
 * Says that a target rests, its ScaledObject paused at no pods, because of a Canary: the mark holds its UID. A pause without
 * a mark is somebody else's, and stays when the Canary is gone. Source: keda-hpa-spec 8, 20.17.
 */
export const RESTING_ANNOTATION = "serin.dev/resting";

const PAUSED_REPLICAS = "autoscaling.keda.sh/paused-replicas";

/** The merge patch that holds a ScaledObject at no pods, or lets it go, with its mark. */
export function withRestMark(hold: object, of: { readonly isHeld: boolean; readonly canaryUid: string }): object {
  const { metadata = {} } = hold as { readonly metadata?: { readonly annotations?: object } };
  const annotations = { ...metadata.annotations, [RESTING_ANNOTATION]: of.isHeld ? of.canaryUid : null };
  return { ...hold, metadata: { ...metadata, annotations } };
}

/** UID of the Canary because of which an autoscaler rests. */
export function restHolder({ kind, metadata: { annotations } }: KubeObject): string | undefined {
  return kind === "ScaledObject" ? annotations?.[RESTING_ANNOTATION] : undefined;
}

/** The annotations after which it does not rest for us any more; a pause that somebody has changed since stays. */
export function wokenAnnotations({ metadata: { annotations = {} } }: KubeObject): Record<string, null> {
  const isOurs = annotations[PAUSED_REPLICAS] === "0";
  return { [RESTING_ANNOTATION]: null, ...(isOurs ? { [PAUSED_REPLICAS]: null } : {}) };
}

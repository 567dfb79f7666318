import type { KubeObject } from "#api";
import { AWAKE, FORCE_ACTIVATION, PAUSED_REPLICAS } from "../scalers/index.ts";

/**
 * Says that a target rests, its ScaledObject paused at no pods, because of a Canary: the mark holds its UID. A pause without
 * a mark is somebody else's, and stays when the Canary is gone. Source: keda-hpa-spec 8, 20.17.
 */
const RESTING_ANNOTATION = "serin.dev/resting";

/** The merge patch that holds a ScaledObject at no pods, or lets it go, with its mark. */
export function withRestMark(hold: object, of: { readonly isHeld: boolean; readonly canaryUid: string }): object {
  const { metadata = {} } = hold as { readonly metadata?: { readonly annotations?: object } };
  const annotations = { ...metadata.annotations, [RESTING_ANNOTATION]: of.isHeld ? of.canaryUid : null };
  return { ...hold, metadata: { ...metadata, annotations } };
}

/** What is marked, and the value that is ours. */
const marks: Readonly<Record<string, { readonly annotation: string; readonly value: string }>> = {
  [RESTING_ANNOTATION]: { annotation: PAUSED_REPLICAS, value: "0" },
  // Kept awake for a release.
  [AWAKE]: { annotation: FORCE_ACTIVATION, value: "true" },
};

/** UIDs of the Canaries that have put a ScaledObject to rest, or keep it awake. */
export function restHolders({ kind, metadata: { annotations = {} } }: KubeObject): readonly string[] {
  if (kind !== "ScaledObject") return [];
  return Object.keys(marks).flatMap((mark) => annotations[mark] ?? []);
}

/** The annotations that go with Canaries that are gone; what somebody has changed since stays. */
export function releasedAnnotations(
  { metadata: { annotations = {} } }: KubeObject,
  isGone: (canaryUid: string) => boolean,
): Record<string, null> {
  return Object.fromEntries(
    Object.entries(marks).flatMap(([mark, { annotation, value }]) => {
      const holder = annotations[mark];
      if (holder === undefined || !isGone(holder)) return [];
      return annotations[annotation] === value ? [mark, annotation].map((key) => [key, null]) : [[mark, null]];
    }),
  );
}

import type { Canary, KubeObject, OwnerReference } from "#api";
import { isObject } from "#base";
import { boundFieldsOf, FLOOR_ANNOTATION, keepFloor, specWithoutFloor } from "./floor-lease.ts";
import { metadataChange, withCopied } from "./copied-metadata.ts";
import { mergeDifference } from "./merge-difference.ts";
import { PAUSED_REPLICAS, pauseOf } from "./pauses.ts";

type Texts = Readonly<Record<string, string>>;

/** The primary's autoscaler as it should be, whatever its kind. */
export interface Twin {
  /** The user's, of the target. */
  readonly source: KubeObject;
  readonly owner: OwnerReference;
  readonly labels: Texts;
  readonly annotations: Texts;
  readonly spec: Readonly<Record<string, unknown>>;
}

/** What a twin is made with beside its source. */
export interface TwinPlan {
  readonly canary: Canary;
  /** Name of the target. */
  readonly target: string;
  /** Name of the primary. */
  readonly primary: string;
  readonly owner: OwnerReference;
  /** Whether a revision is being released, or waits for it. */
  readonly isReleasing: boolean;
}

/** Name of the primary's autoscaler. */
export function primaryScalerName(source: string): string {
  return `${source}-primary`;
}

/**
 * The source's spec without a floor of ours, with the bounds that the Canary states for the primary. A lower one above the upper, when only one of the two is
 * stated, is brought down to it: every API server refuses bounds that cross, and then nothing of the twin is kept in step.
 */
export function withBounds(source: KubeObject, canary: Canary): Readonly<Record<string, unknown>> {
  const spec = specWithoutFloor(source);
  const fields = boundFieldsOf(source);
  const { minReplicas, maxReplicas } = canary.spec.autoscalerRef?.primaryScalerReplicas ?? {};
  const max = maxReplicas ?? spec[fields.max];
  const min = minReplicas ?? spec[fields.min];
  const isCrossed = typeof min === "number" && typeof max === "number" && min > max;
  return {
    ...spec,
    ...(min === undefined ? {} : { [fields.min]: isCrossed ? max : min }),
    ...(max === undefined ? {} : { [fields.max]: max }),
  };
}

/** The twin as it is first created. */
export function newTwin({ source, owner, labels, annotations, spec }: Twin): KubeObject {
  const { name = "", namespace } = source.metadata;
  const copied = withCopied({ labels, annotations });
  return {
    apiVersion: source.apiVersion,
    kind: source.kind,
    metadata: {
      name: primaryScalerName(name),
      ...(namespace === undefined ? {} : { namespace }),
      labels: copied.labels,
      ...some("annotations", copied.annotations),
      ownerReferences: [owner],
    },
    spec,
  };
}

/**
 * Merge patch that brings the live twin in step; undefined when it is. The spec is ours whole, but for a field under a floor;
 * of the metadata only what came from the source. A pause at no pods, which only a copy of the target's rest can be, is taken
 * back: it would hold the primary at zero.
 */
export function twinPatch(live: KubeObject, twin: Twin): object | undefined {
  const { spec: wanted, lease } = keepFloor(live, twin.spec);
  const spec = mergeDifference(isObject(live.spec) ? live.spec : {}, wanted);
  const { labels, annotations: copied } = metadataChange(live, twin);
  const annotations: Readonly<Record<string, string | null>> = {
    ...copied,
    ...(pauseOf(live).kind === "resting" ? { [PAUSED_REPLICAS]: null } : {}),
    ...(lease === undefined ? {} : { [FLOOR_ANNOTATION]: lease }),
  };
  const metadata = { ...some("labels", labels), ...some("annotations", annotations) };
  if (spec === undefined && Object.keys(metadata).length === 0) return undefined;
  const isLeased = live.metadata.annotations?.[FLOOR_ANNOTATION] !== undefined;
  // What a lease says holds for the version that was read only.
  const { resourceVersion } = live.metadata;
  const guard = isLeased && resourceVersion !== undefined ? { resourceVersion } : {};
  const patched = { ...guard, ...metadata };
  return { ...some("metadata", patched), ...(spec === undefined ? {} : { spec }) };
}

function some(key: string, map: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.keys(map).length === 0 ? {} : { [key]: map };
}

import type { Deployment, KubeObject, PodTemplateSpec, ReplicaSet } from "#api";
import { isControlledBy } from "#api";
import { deepEqual, isObject } from "#base";
import { deploymentTemplateOf } from "#operator";

/**
 * Finds the revision to go back to. The primary's ReplicaSets are the revisions that were promoted, in their order; the
 * target's have the same templates as their users wrote them. A revision that was rejected is in the second list only,
 * so it is never gone back to.
 */

export interface UndoHistory {
  readonly target: Deployment;
  readonly primary: Deployment;
  /** ReplicaSets of the namespace. */
  readonly replicaSets: readonly ReplicaSet[];
}

export type UndoChoice =
  | {
      readonly kind: "revision";
      readonly template: PodTemplateSpec;
      /** Number of the target's revision, as `kubectl rollout history` counts. */
      readonly number: number;
    }
  | { readonly kind: "none"; readonly reason: string };

/** Written by the Deployment's controller. Source: Kubernetes `deployment.kubernetes.io/revision`. */
const REVISION_NUMBER = "deployment.kubernetes.io/revision";

/** Chooses the newest promoted revision before the one that the primary runs. */
export function chooseUndo({ target, primary, replicaSets }: UndoHistory): UndoChoice {
  const now = comparable(primary.spec.template);
  const promoted = revisionsOf(primary, replicaSets).filter((set) => !deepEqual(comparable(set.spec.template), now));
  if (promoted.length === 0)
    return { kind: "none", reason: `no earlier revision of "${nameOf(primary)}" is kept (see revisionHistoryLimit)` };
  const candidates = revisionsOf(target, replicaSets);
  for (const set of promoted) {
    const wanted = comparable(set.spec.template);
    const found = candidates.find((candidate) => deepEqual(comparable(candidate.spec.template), wanted));
    if (found === undefined) continue;
    return { kind: "revision", template: deploymentTemplateOf(found), number: numberOf(found) };
  }
  return {
    kind: "none",
    reason: `no revision that "${nameOf(target)}" keeps was promoted before (see revisionHistoryLimit); apply the earlier manifest`,
  };
}

/** ReplicaSets of a Deployment, the newest first. */
function revisionsOf(deployment: Deployment, replicaSets: readonly ReplicaSet[]): ReplicaSet[] {
  return replicaSets.filter((set) => isControlledBy(set, deployment)).toSorted((a, b) => numberOf(b) - numberOf(a));
}

function numberOf(set: ReplicaSet): number {
  const number = Number(set.metadata.annotations?.[REVISION_NUMBER]);
  return Number.isInteger(number) ? number : 0;
}

function nameOf({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? ""}/${metadata.name ?? ""}`;
}

const PRIMARY_SUFFIX = /-primary$/;

/**
 * A template without what differs between a target and its primary: the label that tells their pods apart, names of
 * copied configs, affinity terms (all end in `-primary`), the revision's id, and annotations of the GitOps tools, which
 * are not copied. Source: flagger-spec 3.2.
 */
function comparable(template: PodTemplateSpec): unknown {
  const { labels = {}, annotations = {} } = template.metadata ?? {};
  return withoutSuffixes({
    labels: ownOnly(labels),
    annotations: ownOnly(annotations),
    spec: template.spec,
  });
}

const ADDED = ["pod-template-hash", "flagger-id"];

function ownOnly(map: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(map).filter(([key]) => !ADDED.includes(key) && !key.includes("toolkit.fluxcd.io")),
  );
}

function withoutSuffixes(value: unknown): unknown {
  if (typeof value === "string") return value.replace(PRIMARY_SUFFIX, "");
  if (Array.isArray(value)) return value.map(withoutSuffixes);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutSuffixes(inner)]));
}

import type { Deployment, ReplicaSet } from "#api";

export const REVISION = "deployment.kubernetes.io/revision";
const REVISION_HISTORY = "deployment.kubernetes.io/revision-history";
const DESIRED_REPLICAS = "deployment.kubernetes.io/desired-replicas";
const MAX_REPLICAS = "deployment.kubernetes.io/max-replicas";

/** Not passed on to ReplicaSets. Source: Kubernetes `deployment_util` annotationsToSkip. */
const OWN_ANNOTATIONS: ReadonlySet<string> = new Set([
  "kubectl.kubernetes.io/last-applied-configuration",
  REVISION,
  REVISION_HISTORY,
  DESIRED_REPLICAS,
  MAX_REPLICAS,
  "deprecated.deployment.rollback.to",
]);

/** Past revisions that a ReplicaSet remembers, in characters. Source: Kubernetes maxRevHistoryLengthInChars. */
const MAX_HISTORY_CHARS = 2000;

type Annotations = Readonly<Record<string, string>>;

/** The revision of a ReplicaSet; 0 when it has none. */
export function revisionOf(object: ReplicaSet | Deployment): number {
  return integer(object.metadata.annotations?.[REVISION]) ?? 0;
}

/** The size of the whole deployment when this ReplicaSet was last scaled; undefined when it was not written. */
export function annotatedDesired(replicaSet: ReplicaSet): number | undefined {
  return integer(replicaSet.metadata.annotations?.[DESIRED_REPLICAS]);
}

/** The same with the surge. */
export function annotatedMax(replicaSet: ReplicaSet): number | undefined {
  return integer(replicaSet.metadata.annotations?.[MAX_REPLICAS]);
}

/** Annotations with the deployment's size, which proportional scaling reads back. */
export function withSize(annotations: Annotations | undefined, desired: number, max: number): Annotations {
  return { ...annotations, [DESIRED_REPLICAS]: String(desired), [MAX_REPLICAS]: String(max) };
}

/**
 * Annotations of the newest ReplicaSet: the deployment's own, and the revision, which only rises. A revision that it had
 * before (it was rolled back to) moves into its history. Source: Kubernetes `SetNewReplicaSetAnnotations`.
 */
export function newestAnnotations(
  deployment: Deployment,
  current: Annotations | undefined,
  revision: number,
): Annotations {
  const inherited = Object.entries(deployment.metadata.annotations ?? {}).filter(([key]) => !OWN_ANNOTATIONS.has(key));
  const annotations: Annotations = { ...current, ...Object.fromEntries(inherited) };
  const before = current?.[REVISION];
  if ((integer(before) ?? 0) >= revision) return annotations;
  const withRevision = { ...annotations, [REVISION]: String(revision) };
  if (before === undefined) return withRevision;
  return { ...withRevision, [REVISION_HISTORY]: appendHistory(current?.[REVISION_HISTORY], before) };
}

function appendHistory(history: string | undefined, revision: string): string {
  const revisions = history === undefined || history === "" ? [] : history.split(",");
  revisions.push(revision);
  while (revisions.length > 1 && revisions.join(",").length > MAX_HISTORY_CHARS) revisions.shift();
  return revisions.join(",");
}

function integer(text: string | undefined): number | undefined {
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined;
}

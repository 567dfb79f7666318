import type { Deployment, OwnerReference, PodSpec, PodTemplateSpec } from "#api";
import { deepCopy, deepEqual, isObject } from "#base";
import { configId, renameConfigs } from "./config-refs.ts";
import { includedOnly, withoutToolkit } from "./metadata.ts";
import type { SelectorLabel } from "./selector.ts";
import { primaryConfigName } from "./tracked-configs.ts";

/** Annotation that names the revision a primary was made from; a change of it rolls the pods. Source: flagger-spec 3.2. */
const REVISION_ANNOTATION = "flagger-id";

export interface PrimaryPlan {
  readonly target: Deployment;
  readonly name: string;
  readonly selector: SelectorLabel;
  /** See `revisionId`. */
  readonly revisionId: string;
  /** Ids of the configs whose copies the primary uses. */
  readonly trackedIds: ReadonlySet<string>;
  readonly labelPrefixes: readonly string[];
  /** Label keys by which pods select each other in affinity rules. */
  readonly selectorKeys: readonly string[];
  readonly owner: OwnerReference;
  /** An autoscaler sets the replicas; the plan leaves them. */
  readonly hasScaler: boolean;
}

/** The primary Deployment as it is first created. Source: flagger-spec 3.2. */
export function newPrimary(plan: PrimaryPlan): Deployment {
  const { target, selector } = plan;
  const wanted = target.spec.replicas ?? 1;
  return {
    apiVersion: target.apiVersion,
    kind: target.kind,
    metadata: {
      name: plan.name,
      ...(target.metadata.namespace === undefined ? {} : { namespace: target.metadata.namespace }),
      labels: {
        ...includedOnly(target.metadata.labels, plan.labelPrefixes),
        [selector.key]: selector.primaryValue,
      },
      annotations: withoutToolkit(target.metadata.annotations),
      ownerReferences: [plan.owner],
    },
    spec: {
      ...copiedSpec(target),
      replicas: wanted > 0 ? wanted : 1,
      selector: { matchLabels: { [selector.key]: selector.primaryValue } },
      template: primaryTemplate(plan),
    },
  };
}

/**
 * The live primary with the target's present revision; undefined when it has it already.
 *
 * All that the plan does not name stays as it is: replicas under an autoscaler, and fields of others outside the
 * template. Source: flagger-spec 3.2, Promote.
 */
export function promotedPrimary(live: Deployment, plan: PrimaryPlan): Deployment | undefined {
  const { target } = plan;
  const replicas = target.spec.replicas ?? 0;
  // A target that is scaled to zero says nothing about how many pods the primary needs.
  const keepsReplicas = plan.hasScaler || replicas === 0;
  const spec = {
    ...live.spec,
    ...copiedSpec(target),
    ...(keepsReplicas ? {} : { replicas }),
    template: primaryTemplate(plan),
  };
  const metadata = {
    ...live.metadata,
    labels: { ...live.metadata.labels, ...includedOnly(target.metadata.labels, plan.labelPrefixes) },
    annotations: { ...live.metadata.annotations, ...includedOnly(target.metadata.annotations, plan.labelPrefixes) },
  };
  const isSame = isPromoted(live, plan.revisionId) && deepEqual(live.spec, spec);
  return isSame ? undefined : { ...live, metadata, spec };
}

/** Whether the primary was made from exactly this revision. */
export function isPromoted(primary: Deployment, id: string): boolean {
  return primary.spec.template.metadata?.annotations?.[REVISION_ANNOTATION] === id;
}

/** Whether the primary's template is what the target's would become, whoever made it. */
export function matchesTarget(primary: Deployment, plan: PrimaryPlan): boolean {
  return deepEqual(withoutRevision(primary.spec.template), withoutRevision(primaryTemplate(plan)));
}

function withoutRevision(template: PodTemplateSpec): unknown {
  const { [REVISION_ANNOTATION]: _, ...annotations } = template.metadata?.annotations ?? {};
  return { labels: template.metadata?.labels ?? {}, annotations, spec: template.spec };
}

function copiedSpec(target: Deployment): Partial<Deployment["spec"]> {
  const { progressDeadlineSeconds, minReadySeconds, revisionHistoryLimit, strategy } = target.spec;
  return {
    ...(progressDeadlineSeconds === undefined ? {} : { progressDeadlineSeconds }),
    ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
    ...(revisionHistoryLimit === undefined ? {} : { revisionHistoryLimit }),
    ...(strategy === undefined ? {} : { strategy }),
  };
}

function primaryTemplate(plan: PrimaryPlan): PodTemplateSpec {
  const { target, selector } = plan;
  const { metadata, spec } = target.spec.template;
  const podSpec: PodSpec = deepCopy(spec);
  renameConfigs(podSpec, (ref) => (plan.trackedIds.has(configId(ref)) ? primaryConfigName(ref.name) : ref.name));
  renameAffinity(podSpec, { keys: plan.selectorKeys, target: target.metadata.name ?? "" });
  return {
    metadata: {
      labels: { ...withoutToolkit(metadata?.labels), [selector.key]: selector.primaryValue },
      annotations: { ...withoutToolkit(metadata?.annotations), [REVISION_ANNOTATION]: plan.revisionId },
    },
    spec: podSpec,
  };
}

interface Rename {
  readonly keys: readonly string[];
  readonly target: string;
}

/** Points rules that keep the target's pods apart at the primary's pods. Source: flagger-spec 3.2. */
function renameAffinity(spec: PodSpec, rename: Rename): void {
  const affinity = isObject(spec.affinity) ? spec.affinity : {};
  const anti = isObject(affinity.podAntiAffinity) ? affinity.podAntiAffinity : {};
  for (const term of listOf(anti.requiredDuringSchedulingIgnoredDuringExecution))
    renameSelector(term.labelSelector, rename);
  for (const term of listOf(anti.preferredDuringSchedulingIgnoredDuringExecution)) {
    if (isObject(term.podAffinityTerm)) renameSelector(term.podAffinityTerm.labelSelector, rename);
  }
  for (const constraint of listOf(spec.topologySpreadConstraints)) renameSelector(constraint.labelSelector, rename);
}

function renameSelector(selector: unknown, { keys, target }: Rename): void {
  if (!isObject(selector)) return;
  const labels = selector.matchLabels;
  if (isObject(labels)) {
    for (const key of keys) if (Object.hasOwn(labels, key) && labels[key] === target) labels[key] = `${target}-primary`;
  }
  for (const expression of listOf(selector.matchExpressions)) {
    if (typeof expression.key !== "string" || !keys.includes(expression.key)) continue;
    const values = expression.values;
    const index = Array.isArray(values) ? values.indexOf(target) : -1;
    if (Array.isArray(values) && index >= 0) values[index] = `${target}-primary`;
  }
}

function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

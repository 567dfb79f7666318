import type { KubeObject, ObjectMeta, OwnerReference, PodSpec, PodTemplateSpec } from "#api";
import { deepCopy, deepEqual, isObject } from "#base";
import { configId, renameConfigs } from "./config-refs.ts";
import { includedOnly, withoutToolkit } from "./metadata.ts";
import type { SelectorLabel } from "./selector.ts";
import { primaryConfigName } from "./tracked-configs.ts";

/** The pod template of a primary. Source: flagger-spec 3.2. */

/** Annotation that names the revision a primary was made from; a change of it rolls the pods. Source: flagger-spec 3.2. */
const REVISION_ANNOTATION = "flagger-id";

/** How a primary with pods is made from its target. */
export interface PrimaryPlan {
  readonly target: KubeObject;
  /** The target's pods, without what holds them off their nodes. */
  readonly template: PodTemplateSpec;
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

/** Metadata of a primary as it is first created. Source: flagger-spec 3.2. */
export function primaryMetadata({ target, name, selector, labelPrefixes, owner }: PrimaryPlan): ObjectMeta {
  const { namespace, labels, annotations } = target.metadata;
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    labels: { ...includedOnly(labels, labelPrefixes), [selector.key]: selector.primaryValue },
    annotations: withoutToolkit(annotations),
    ownerReferences: [owner],
  };
}

/** Metadata of a live primary after a promotion: what others put there stays. */
export function promotedMetadata(live: KubeObject, { target, labelPrefixes }: PrimaryPlan): ObjectMeta {
  const { labels, annotations } = target.metadata;
  return {
    ...live.metadata,
    labels: { ...live.metadata.labels, ...includedOnly(labels, labelPrefixes) },
    annotations: { ...live.metadata.annotations, ...includedOnly(annotations, labelPrefixes) },
  };
}

/** Whether a primary with this template was made from exactly this revision. */
export function isPromoted(template: PodTemplateSpec, id: string): boolean {
  return template.metadata?.annotations?.[REVISION_ANNOTATION] === id;
}

/** Whether the primary's template is what the target's would become, whoever made it. */
export function matchesTarget(template: PodTemplateSpec, plan: PrimaryPlan): boolean {
  return deepEqual(withoutRevision(template), withoutRevision(primaryTemplate(plan)));
}

function withoutRevision(template: PodTemplateSpec): unknown {
  const { [REVISION_ANNOTATION]: _, ...annotations } = template.metadata?.annotations ?? {};
  return { labels: template.metadata?.labels ?? {}, annotations, spec: template.spec };
}

/** The target's template with the primary's label, configs, affinity and revision. */
export function primaryTemplate(plan: PrimaryPlan): PodTemplateSpec {
  const { target, selector } = plan;
  const { metadata, spec } = plan.template;
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

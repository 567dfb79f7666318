import { type DaemonSet, type PodTemplateSpec, resources } from "#api";
import { deepEqual } from "#base";
import type { PodKind, WorkloadNumbers } from "./pod-workload.ts";
import {
  isPromoted,
  primaryMetadata,
  type PrimaryPlan,
  primaryTemplate,
  promotedMetadata,
} from "./primary-template.ts";

/**
 * A DaemonSet as the target of a release. It has no count of pods to set: to have none, it asks for nodes with a label
 * that no node has. Source: flagger-spec 3.3.
 */
export const daemonSetKind: PodKind<DaemonSet> = {
  kind: "DaemonSet",
  resource: resources.daemonSets,
  templateOf: (daemonSet) => withoutHold(daemonSet.spec.template),
  problemsOf: (target) =>
    target.spec.updateStrategy?.type === "OnDelete"
      ? [
          {
            path: `daemonset ${target.metadata.namespace ?? ""}/${target.metadata.name ?? ""} spec.updateStrategy.type`,
            code: "invalid-value",
            message: 'must be RollingUpdate, received "OnDelete": a new revision would get no pods by itself',
            fix: "set it to RollingUpdate",
          },
        ]
      : [],
  observe,
  newPrimary(target, plan) {
    return {
      apiVersion: target.apiVersion,
      kind: target.kind,
      metadata: primaryMetadata(plan),
      spec: {
        ...copiedSpec(target),
        selector: { matchLabels: { [plan.selector.key]: plan.selector.primaryValue } },
        template: primaryTemplate(plan),
      },
    };
  },
  promotedPrimary(live: DaemonSet, target: DaemonSet, plan: PrimaryPlan) {
    const spec = { ...live.spec, ...copiedSpec(target), template: primaryTemplate(plan) };
    const isSame = isPromoted(live.spec.template, plan.revisionId) && deepEqual(live.spec, spec);
    return isSame ? undefined : { ...live, metadata: promotedMetadata(live, plan), spec };
  },
  scale(target, replicaCount) {
    if (isHeld(target) === (replicaCount === 0)) return undefined;
    const nodeSelector = { [HOLD_LABEL]: replicaCount === 0 ? "true" : null };
    return { spec: { template: { spec: { nodeSelector } } } };
  },
};

/** Label of nodes that do not exist. */
const HOLD_LABEL = "flagger.app/scale-to-zero";

function isHeld({ spec }: DaemonSet): boolean {
  return Object.hasOwn(spec.template.spec.nodeSelector ?? {}, HOLD_LABEL);
}

function withoutHold(template: PodTemplateSpec): PodTemplateSpec {
  const { nodeSelector, ...spec } = template.spec;
  const { [HOLD_LABEL]: _, ...others } = nodeSelector ?? {};
  return { ...template, spec: { ...spec, ...(Object.keys(others).length === 0 ? {} : { nodeSelector: others }) } };
}

/** Nodes are replicas. One that is held has a count of 0; one that fits no node waits for one. */
function observe(daemonSet: DaemonSet): WorkloadNumbers {
  const { metadata, status } = daemonSet;
  return {
    desiredCount: isHeld(daemonSet) ? 0 : Math.max(1, status?.desiredNumberScheduled ?? 0),
    generation: metadata.generation ?? 0,
    observedGeneration: status?.observedGeneration ?? 0,
    replicaCount: status?.currentNumberScheduled ?? 0,
    updatedCount: status?.updatedNumberScheduled ?? 0,
    readyCount: status?.numberReady ?? 0,
    availableCount: status?.numberAvailable ?? 0,
  };
}

function copiedSpec({ spec }: DaemonSet): Partial<DaemonSet["spec"]> {
  const { minReadySeconds, revisionHistoryLimit, updateStrategy } = spec;
  return {
    ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
    ...(revisionHistoryLimit === undefined ? {} : { revisionHistoryLimit }),
    ...(updateStrategy === undefined ? {} : { updateStrategy }),
  };
}

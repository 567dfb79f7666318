import { conditionOf, type Deployment, resources } from "#api";
import { deepEqual } from "#base";
import { parseTime, type WorkloadObservation } from "#rollout";
import type { PodKind } from "./pod-workload.ts";
import {
  isPromoted,
  primaryMetadata,
  type PrimaryPlan,
  primaryTemplate,
  promotedMetadata,
} from "./primary-template.ts";

/** A Deployment as the target of a release. Source: flagger-spec 3.2. */
export const deploymentKind: PodKind<Deployment> = {
  kind: "Deployment",
  resource: resources.deployments,
  templateOf: (deployment) => deployment.spec.template,
  problemsOf: () => [],
  observe(deployment) {
    const { metadata, spec, status } = deployment;
    return {
      desiredCount: spec.replicas ?? 1,
      generation: metadata.generation ?? 0,
      observedGeneration: status?.observedGeneration ?? 0,
      replicaCount: status?.replicas ?? 0,
      updatedCount: status?.updatedReplicas ?? 0,
      readyCount: status?.readyReplicas ?? 0,
      availableCount: status?.availableReplicas ?? 0,
      ...conditionField("progressing", deployment, "Progressing"),
      ...conditionField("available", deployment, "Available"),
    };
  },
  newPrimary,
  promotedPrimary,
  scale: ({ spec }, replicas) => (spec.replicas === replicas ? undefined : { spec: { replicas } }),
};

/** The primary Deployment as it is first created. */
export function newPrimary(target: Deployment, plan: PrimaryPlan): Deployment {
  const wanted = target.spec.replicas ?? 1;
  return {
    apiVersion: target.apiVersion,
    kind: target.kind,
    metadata: primaryMetadata(plan),
    spec: {
      ...copiedSpec(target),
      replicas: wanted > 0 ? wanted : 1,
      selector: { matchLabels: { [plan.selector.key]: plan.selector.primaryValue } },
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
export function promotedPrimary(live: Deployment, target: Deployment, plan: PrimaryPlan): Deployment | undefined {
  const replicas = target.spec.replicas ?? 0;
  // A target that is scaled to zero says nothing about how many pods the primary needs.
  const keepsReplicas = plan.hasScaler || replicas === 0;
  const spec = {
    ...live.spec,
    ...copiedSpec(target),
    ...(keepsReplicas ? {} : { replicas }),
    template: primaryTemplate(plan),
  };
  const isSame = isPromoted(live.spec.template, plan.revisionId) && deepEqual(live.spec, spec);
  return isSame ? undefined : { ...live, metadata: promotedMetadata(live, plan), spec };
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

function conditionField(
  field: "progressing" | "available",
  deployment: Deployment,
  type: string,
): Partial<WorkloadObservation> {
  const condition = conditionOf(deployment.status?.conditions, type);
  if (condition === undefined) return {};
  const lastUpdateMs = parseTime(condition.lastUpdateTime ?? condition.lastTransitionTime);
  return {
    [field]: {
      status: condition.status,
      ...(condition.reason === undefined ? {} : { reason: condition.reason }),
      ...(lastUpdateMs === undefined ? {} : { lastUpdateMs }),
    },
  };
}

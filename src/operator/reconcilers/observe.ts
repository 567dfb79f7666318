import { conditionOf, type Deployment } from "#api";
import type { Problem } from "#base";
import { type Answer, type Observation, parseTime, type PrimaryObservation, type WorkloadObservation } from "#rollout";
import type { OperatorContext } from "../operator-context.ts";
import { readWeights } from "../routers/index.ts";
import { isPromoted, matchesTarget, templateHash } from "../workloads/index.ts";
import { isOwnPrimary, type Snapshot } from "./read.ts";

/** Turns what was read into what a decision may depend on. */
export function observe(
  snapshot: Snapshot,
  context: OperatorContext,
  memory: { readonly lastTickMs: number | undefined; readonly answers: ReadonlyMap<string, Answer> },
): Observation {
  const { target, configs, scaler } = snapshot;
  return {
    target: target === undefined ? undefined : workload(target, snapshot.templateHash ?? templateHash(target)),
    primary: primaryOf(snapshot),
    routes: readWeights(snapshot.virtualService, snapshot.names),
    routesProblem: undefined,
    trackedConfigs: configs?.checksums,
    scalerMinCount: scaler === undefined ? undefined : (scaler.spec.minReplicas ?? 1),
    problems: problemsOf(snapshot, context),
    ...memory,
  };
}

function primaryOf({ primary, primaryPlan }: Snapshot): PrimaryObservation | undefined {
  if (primary === undefined) return undefined;
  return {
    ...workload(primary, ""),
    matchesTarget: primaryPlan !== undefined && matchesTarget(primary, primaryPlan),
    isPromoted: primaryPlan !== undefined && isPromoted(primary, primaryPlan.revisionId),
  };
}

function workload(deployment: Deployment, hash: string): WorkloadObservation {
  const { metadata, spec, status } = deployment;
  return {
    kind: "Deployment",
    name: metadata.name ?? "",
    templateHash: hash,
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

function problemsOf(snapshot: Snapshot, { settings }: OperatorContext): Problem[] {
  const { canary, target, selector, configs, scaler, names } = snapshot;
  const problems: Problem[] = [];
  if (target !== undefined && selector === undefined)
    problems.push({
      path: `deployment ${names.targetRef} spec.selector.matchLabels`,
      code: "missing-label",
      message: `must contain one of [${settings.selectorLabels.join(",")}]`,
      fix: "label the pods with one of these keys, or name your key in -selector-labels",
    });
  const scalerRef = canary.spec.autoscalerRef;
  if (scalerRef !== undefined && scaler === undefined)
    problems.push({
      path: "spec.autoscalerRef.name",
      code: "not-found",
      message: `the ${scalerRef.kind} "${names.namespace}/${scalerRef.name}" does not exist`,
      fix: "create it or correct the name",
    });
  if (!isOwnPrimary(snapshot))
    problems.push({
      path: `deployment ${names.primaryRef}`,
      code: "foreign-object",
      message: "exists and belongs to another controller",
      fix: "delete or rename it, so that a primary can be made",
    });
  return [...problems, ...(configs?.problems ?? [])];
}

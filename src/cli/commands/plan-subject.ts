import { existsSync } from "node:fs";
import {
  type Canary,
  type ConfigMap,
  type Deployment,
  flaggerCrds,
  kindsFromCrd,
  type HorizontalPodAutoscaler,
  type KubeObject,
  resources,
  type ScaledObject,
  validateSchema,
} from "#api";
import { assert, Failure, formatProblem, isObject } from "#base";
import type { KubeClient } from "#kube";
import { readRuns, runMapName } from "#operator";
import { completeStatus, namesOf, type RoadCopy, type RoadLoad } from "#rollout";
import { readManifest } from "../output/manifests.ts";
import { UsageError } from "../program-context.ts";

/** A Canary and what its workloads look like, from a cluster or from a file of manifests. */
export interface PlanSubject {
  readonly canary: Canary;
  readonly target: Deployment | undefined;
  readonly primary: Deployment | undefined;
  readonly scaler: HorizontalPodAutoscaler | ScaledObject | undefined;
  /** Requests per second of the service as the last release measured it. */
  readonly lastRate?: number;
}

/** Reads what a plan needs; a target that is no Deployment has no pods that could be planned. */
export async function subjectInCluster(client: KubeClient, canary: Canary): Promise<PlanSubject> {
  const { namespace, target, primary } = namesOf(canary);
  const deployment = (name: string): Promise<Deployment | undefined> =>
    client.get<Deployment>(resources.deployments, { namespace, name });
  const isDeployment = (canary.spec.targetRef.kind || "Deployment") === "Deployment";
  const [targetFound, primaryFound, scaler, runs] = await Promise.all([
    isDeployment ? deployment(target) : undefined,
    isDeployment ? deployment(primary) : undefined,
    scalerOf(client, canary),
    client.get<ConfigMap>(resources.configMaps, { namespace, name: runMapName(canary.metadata.name ?? "") }),
  ]);
  const lastRate = rateOf(runs);
  const found = { canary, target: targetFound, primary: primaryFound, scaler };
  return lastRate === undefined ? found : { ...found, lastRate };
}

/** The status forgets it after a release; the records do not. */
function rateOf(map: ConfigMap | undefined): number | undefined {
  const records = readRuns(map).runs.flatMap((run) => run.records);
  return records.findLast(({ capacity }) => capacity?.requestsPerSecond !== undefined)?.capacity?.requestsPerSecond;
}

async function scalerOf(
  client: KubeClient,
  canary: Canary,
): Promise<HorizontalPodAutoscaler | ScaledObject | undefined> {
  const { kind, name } = canary.spec.autoscalerRef ?? {};
  const { namespace } = namesOf(canary);
  if (name === undefined) return undefined;
  return kind === "ScaledObject"
    ? client.get<ScaledObject>(resources.scaledObjects, { namespace, name })
    : client.get<HorizontalPodAutoscaler>(resources.horizontalPodAutoscalers, { namespace, name });
}

/**
 * Finds the Canary of a file, and what else the file has of it.
 *
 * @throws UsageError when the file has none, or several and no name; Failure `BadManifest`.
 */
export function subjectInFile(path: string, name: string | undefined): PlanSubject {
  if (!existsSync(path)) throw new UsageError(`-f: there is no file ${path}`);
  const objects = readManifest(path);
  const canaries = objects.filter(
    ({ kind, metadata }) => kind === "Canary" && (name ?? metadata.name) === metadata.name,
  );
  const [only, ...others] = canaries;
  if (only === undefined)
    throw new UsageError(`-f: ${path} has no Canary${name === undefined ? "" : ` named "${name}"`}`);
  if (others.length > 0)
    throw new UsageError(
      `-f: ${path} has several Canaries; name one of ${canaries.map(({ metadata }) => metadata.name).join(", ")}`,
    );
  const canary = checkedCanary(only, path);
  const named = (kind: string, wanted: string | undefined): KubeObject | undefined =>
    objects.find((object) => object.kind === kind && object.metadata.name === wanted && isObject(object.spec));
  const { autoscalerRef } = canary.spec;
  return {
    canary,
    target: named("Deployment", namesOf(canary).target) as Deployment | undefined,
    primary: undefined,
    scaler: named(autoscalerRef?.kind ?? "", autoscalerRef?.name) as PlanSubject["scaler"],
  };
}

/** The API server would refuse anything else, and nothing below expects it. */
function checkedCanary(object: KubeObject, path: string): Canary {
  const [kind] = flaggerCrds().flatMap((crd) => {
    const read = kindsFromCrd(crd);
    return read.ok ? read.value.filter((each) => each.resource.kind === "Canary") : [];
  });
  assert(kind !== undefined, "the definitions of Flagger's kinds have the Canary");
  const problems = validateSchema(kind.schema, object);
  if (problems.length === 0) return object as Canary;
  const [first] = problems;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : "";
  throw new Failure(`Cannot plan the Canary of ${path}: ${first === undefined ? "" : formatProblem(first)}${more}`, {
    code: "BadManifest",
  });
}

/** What is known of the load and the pods; a rate of the command line stands above the measured one. */
export function loadOf(subject: PlanSubject, requestsPerSecond: number | undefined): RoadLoad {
  const { canary, target, primary, scaler } = subject;
  const measured = completeStatus(canary.status).capacity;
  const rate = requestsPerSecond ?? measured?.requestsPerSecond ?? subject.lastRate;
  const size = replicasOf(primary) ?? replicasOf(target);
  const need = podsForAll(subject, rate);
  const bounds = scaler === undefined ? undefined : boundsOf(scaler);
  return {
    requestsPerSecond: rate,
    podsForAll: need ?? size,
    ...(need === undefined ? { isSize: true } : {}),
    primary: copyOf(size, bounds, `${bounds?.name ?? ""}-primary`),
    // A canary without pods is started with what its autoscaler keeps at least, else with the primary's size.
    canary: copyOf(bounds?.minCount ?? (replicasOf(target) || size), bounds, bounds?.name ?? ""),
  };
}

/** Pods for all of the traffic: by what the user says that a pod serves, else by what was measured, at this rate. */
function podsForAll({ canary }: PlanSubject, rate: number | undefined): number | undefined {
  const { requestsPerPod } = canary.spec.capacity ?? {};
  const { capacity } = completeStatus(canary.status);
  if (requestsPerPod !== undefined && rate !== undefined) return rate / requestsPerPod;
  if (capacity?.podsForAll === undefined || capacity.method === "size") return undefined;
  const { requestsPerSecond: before } = capacity;
  const factor = rate === undefined || before === undefined || before <= 0 ? 1 : rate / before;
  return capacity.podsForAll * factor;
}

function replicasOf(deployment: Deployment | undefined): number | undefined {
  if (deployment === undefined) return undefined;
  const { replicas } = deployment.spec;
  return typeof replicas === "number" ? replicas : 1;
}

function copyOf(count: number | undefined, bounds: RoadCopy["scaler"] | undefined, name: string): RoadCopy | undefined {
  if (count === undefined) return undefined;
  return bounds === undefined ? { count } : { count: Math.max(count, bounds.minCount), scaler: { ...bounds, name } };
}

/** Source: autoscaling/v2 minReplicas 1; KEDA minReplicaCount 0, maxReplicaCount 100. */
function boundsOf(scaler: HorizontalPodAutoscaler | ScaledObject): NonNullable<RoadCopy["scaler"]> {
  const spec: Record<string, unknown> = isObject(scaler.spec) ? scaler.spec : {};
  const number = (value: unknown, otherwise: number): number => (typeof value === "number" ? value : otherwise);
  const isKeda = scaler.kind === "ScaledObject";
  return {
    name: `${isKeda ? "scaledobject" : "hpa"} ${scaler.metadata.name ?? ""}`,
    minCount: Math.max(1, number(isKeda ? spec["minReplicaCount"] : spec["minReplicas"], 1)),
    maxCount: number(isKeda ? spec["maxReplicaCount"] : spec["maxReplicas"], 100),
  };
}

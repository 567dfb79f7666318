import type { Problem } from "#base";
import type { Answer, Observation } from "#rollout";
import type { RouteReading } from "../routers/index.ts";
import { observeCapacity, type PodTimesSeen } from "./observe-capacity.ts";
import { isOwnPrimary, type Snapshot } from "./read.ts";

/** What this process remembers of a Canary and a decision may depend on. */
export interface ObservationMemory {
  readonly lastTickMs: number | undefined;
  readonly answers: ReadonlyMap<string, Answer>;
  readonly podTimes: PodTimesSeen;
}

/** Turns what was read into what a decision may depend on. */
export function observe(snapshot: Snapshot, memory: ObservationMemory): Observation {
  const { workload, routing } = snapshot;
  const { lastTickMs, answers, podTimes } = memory;
  const target = workload?.observeTarget();
  const primary = workload?.observePrimary();
  const capacity = observeCapacity(snapshot, { primary, canary: target, times: podTimes });
  const reading: RouteReading = routing?.router.read(routing.context, routing.live) ?? { kind: "absent" };
  return {
    target,
    primary,
    routes: reading.kind === "read" ? reading.state : undefined,
    routesProblem: reading.kind === "problem" ? reading.message : undefined,
    trackedConfigs: workload?.configs?.checksums,
    // KEDA may rest at 0; a canary that starts may not.
    scalerMinCount: capacity.canary.scaler === undefined ? undefined : Math.max(1, capacity.canary.scaler.minCount),
    capacity,
    problems: problemsOf(snapshot),
    lastTickMs,
    answers,
  };
}

function problemsOf(snapshot: Snapshot): Problem[] {
  const { canary, workload, scaler, names, routing } = snapshot;
  const problems: Problem[] = [...(workload?.problems ?? [])];
  const scalerRef = canary.spec?.autoscalerRef;
  if (scalerRef !== undefined && scaler === undefined)
    problems.push({
      path: "spec.autoscalerRef.kind",
      code: "unsupported",
      message: `an autoscaler of kind "${scalerRef.kind}" is not kept in step`,
      fix: "name a HorizontalPodAutoscaler or a ScaledObject, or remove autoscalerRef",
    });
  if (scalerRef !== undefined && scaler !== undefined && scaler.source === undefined)
    problems.push({
      path: "spec.autoscalerRef.name",
      code: "not-found",
      message: `the ${scalerRef.kind} "${names.namespace}/${scalerRef.name}" does not exist`,
      fix: "create it or correct the name",
    });
  if (!isOwnPrimary(snapshot))
    problems.push({
      path: `${names.targetKind.toLowerCase()} ${names.primaryRef}`,
      code: "foreign-object",
      message: "exists and belongs to another controller",
      fix: "delete or rename it, so that a primary can be made",
    });
  problems.push(...snapshot.scalerScene().findings.blocking);
  // A spec without a service is told of by the decision; a router needs one.
  if (routing !== undefined && canary.spec?.service !== undefined && canary.spec.analysis !== undefined)
    problems.push(...routing.router.problems(routing.context, routing.live));
  return [...problems, ...(workload?.configs?.problems ?? [])];
}

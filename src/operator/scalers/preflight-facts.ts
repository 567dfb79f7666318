import type { Canary, KubeObject, LabelSelector, PodTemplateSpec } from "#api";
import type { Problem } from "#base";
import type { RolloutNames } from "#rollout";
import type { OtherScalers } from "./other-scalers.ts";
import type { Scaler } from "./scaler.ts";

/** What is found out about the autoscalers before a revision is released, and at every look. */
export interface ScalerFindings {
  /** A release waits until they are mended. */
  readonly blocking: readonly Problem[];
  /** Told as a condition while they last; a release goes on. */
  readonly mild: readonly Problem[];
  /** Nothing is wrong; told once when a release starts. */
  readonly advice: readonly Problem[];
}

/** A pod-making workload, as far as its pods are told by others. */
export interface Copy {
  readonly selector: LabelSelector;
  readonly template: PodTemplateSpec;
}

/** Another autoscaler of the namespace and what it scales. */
export interface Neighbour extends Copy {
  /** For sentences: `HorizontalPodAutoscaler "api"`. */
  readonly name: string;
}

/** All that is looked at. */
export interface PreflightFacts {
  readonly canary: Canary;
  readonly names: RolloutNames;
  readonly scaler: Scaler | undefined;
  readonly others: OtherScalers;
  readonly target: Copy | undefined;
  readonly primary: Copy | undefined;
  readonly neighbours: readonly Neighbour[];
  /** Version of KEDA, as the HPAs that it made tell it: `2.19.0`; undefined while there is none. */
  readonly kedaVersion: string | undefined;
  /** Keys of a ConfigMap or Secret; undefined when it is not known. */
  keysOf(kind: "ConfigMap" | "Secret", name: string): readonly string[] | undefined;
}

/** A finding and what follows from it. */
export interface Finding {
  readonly level: keyof ScalerFindings;
  readonly problem: Problem;
}

/** `scaledobject web-so`, as the paths of findings begin. */
export function pathOf(object: KubeObject): string {
  return `${object.kind.toLowerCase()} ${object.metadata.name ?? ""}`;
}

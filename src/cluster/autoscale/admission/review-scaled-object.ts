import type { HorizontalPodAutoscaler, LimitRange, PodSpec, ScaledObject } from "#api";
import type { Problem } from "#base";
import { formulaProblems } from "./formula-rules.ts";
import { neighbourProblems } from "./neighbour-rules.ts";
import { ownProblems } from "./own-rules.ts";
import { resourceProblems } from "./resource-rules.ts";
import { warningsOf } from "./warnings.ts";

export interface ScaledObjectReviewInput {
  readonly scaledObject: ScaledObject;
  /** Of the namespace; the reviewed one itself may be among them. */
  readonly scaledObjects: readonly ScaledObject[];
  /** Of the namespace. */
  readonly autoscalers: readonly HorizontalPodAutoscaler[];
  /** Of the namespace. */
  readonly limitRanges: readonly LimitRange[];
  /** Pods of the target; absent when there is no such Deployment or StatefulSet. */
  readonly podSpec: PodSpec | undefined;
  readonly isDryRun: boolean;
}

export interface ScaledObjectReview {
  /** `code` is KEDA's reason, such as `other-hpa`; the message ends with it, since a webhook's refusal has no other place. */
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}

/**
 * What KEDA's webhook says to a ScaledObject that is created or changed. KEDA stops at the first finding, in no order; here
 * all are told at once.
 *
 * Source: keda-hpa-spec 3.1.
 */
export function reviewScaledObject(input: ScaledObjectReviewInput): ScaledObjectReview {
  const { scaledObject } = input;
  const problems = [
    ...ownProblems(scaledObject),
    ...neighbourProblems(input),
    ...resourceProblems(input),
    ...formulaProblems(scaledObject),
  ];
  return {
    problems: problems.map((problem) => ({ ...problem, message: `${problem.message} [${problem.code}]` })),
    warnings: warningsOf(input),
  };
}

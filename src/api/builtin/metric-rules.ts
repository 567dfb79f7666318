import { isObject, type Problem } from "#base";
import { childPath, forbiddenField, requiredField } from "../validation/field-problem.ts";
import type { Fields } from "./struct-fields.ts";

/** What the target of a kind of metric may say. */
interface TargetRule {
  /** Fields of which one must be there. */
  readonly either: readonly string[];
  /** The field that is missed where none is, and what is said of it. */
  readonly missing: { readonly field: string; readonly detail: string };
  /** The field that is one too many where all are. */
  readonly both?: { readonly field: string; readonly detail: string };
}

const ofResource: TargetRule = {
  either: ["averageUtilization", "averageValue"],
  missing: { field: "averageUtilization", detail: "must set either a target raw value or a target utilization" },
  both: { field: "averageValue", detail: "may not set both a target raw value and a target utilization" },
};

/** By the field of the metric that has it. Source: Kubernetes `pkg/apis/autoscaling/validation`. */
const targetRules: Readonly<Record<string, TargetRule>> = {
  resource: ofResource,
  containerResource: ofResource,
  external: {
    either: ["value", "averageValue"],
    missing: { field: "averageValue", detail: "must set either a target value for metric or a per-pod target" },
    both: { field: "value", detail: "may not set both a target value for metric and a per-pod target" },
  },
  object: {
    either: ["value", "averageValue"],
    missing: { field: "averageValue", detail: "must set either a target value or averageValue" },
  },
  pods: {
    either: ["averageValue"],
    missing: { field: "averageValue", detail: "must specify a positive target averageValue" },
  },
};

const sourceOfType: Readonly<Record<string, string>> = {
  Resource: "resource",
  ContainerResource: "containerResource",
  External: "external",
  Object: "object",
  Pods: "pods",
};

/** A metric of an autoscaler has the source that its type names and no other, and a target that can be reached. */
export function metricProblems(metric: Fields, path: string): Problem[] {
  const wanted = sourceOfType[String(metric.type)];
  const present = Object.keys(targetRules).filter((source) => isObject(metric[source]));
  const problems = present.slice(0, 1).flatMap((source) => targetProblems(metric, source, path));
  if (wanted !== undefined && !present.includes(wanted))
    problems.push(requiredField(childPath(path, wanted), "must populate information for the given metric source"));
  for (const source of present.length > 1 ? present.filter((one) => one !== wanted) : [])
    problems.push(forbiddenField(childPath(path, source), "must populate the given metric source only"));
  return problems;
}

function targetProblems(metric: Fields, source: string, path: string): Problem[] {
  const rule = targetRules[source];
  const of = metric[source];
  const target = isObject(of) ? of["target"] : undefined;
  if (rule === undefined || !isObject(target)) return [];
  const at = (field: string): string => childPath(path, `${source}.target.${field}`);
  const set = rule.either.filter((field) => target[field] !== undefined && target[field] !== null);
  if (set.length === 0) return [requiredField(at(rule.missing.field), rule.missing.detail)];
  return set.length > 1 && rule.both !== undefined ? [forbiddenField(at(rule.both.field), rule.both.detail)] : [];
}

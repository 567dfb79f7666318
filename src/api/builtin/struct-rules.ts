import { isObject, type Problem } from "#base";
import { matchesSelector } from "../selector.ts";
import {
  childPath,
  forbiddenField,
  goStringMap,
  invalidField,
  requiredField,
  unsupportedField,
} from "../validation/field-problem.ts";
import { annotationProblems, labelProblems } from "../validation/object-meta.ts";
import { metricProblems } from "./metric-rules.ts";
import { podSpecProblems } from "./pod-rules.ts";
import { serviceSpecProblems } from "./service-rules.ts";
import { asLabelSelector, asLabels, goIntOrString, type Fields } from "./struct-fields.ts";

/** Finds what is wrong with one struct, after its fields have been checked one by one. */
export type StructRule = (value: Fields, path: string) => readonly Problem[];

/**
 * The rules between the fields of one struct, by its OpenAPI name. They hold wherever the struct occurs: those of a pod
 * hold in every template.
 *
 * Source: Kubernetes `pkg/apis/{apps,core,autoscaling,policy}/validation`.
 */
export const structRules: Readonly<Record<string, StructRule>> = {
  "io.k8s.api.core.v1.PodSpec": podSpecProblems,
  "io.k8s.api.core.v1.PodTemplateSpec": templateProblems,
  "io.k8s.api.core.v1.ServiceSpec": serviceSpecProblems,
  "io.k8s.api.apps.v1.DeploymentSpec": deploymentProblems,
  "io.k8s.api.apps.v1.ReplicaSetSpec": (value, path) => [
    ...selectorProblems(value, path, "deployment"),
    ...onlyAlwaysRestarts(value, path),
  ],
  "io.k8s.api.apps.v1.StatefulSetSpec": (value, path) => [
    ...selectorProblems(value, path, "statefulset"),
    ...onlyAlwaysRestarts(value, path),
  ],
  "io.k8s.api.apps.v1.DaemonSetSpec": (value, path) => [
    ...selectorProblems(value, path, "daemonset"),
    ...onlyAlwaysRestarts(value, path),
  ],
  "io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelectorRequirement": requirementProblems,
  "io.k8s.api.policy.v1.PodDisruptionBudgetSpec": disruptionBudgetProblems,
  "io.k8s.api.autoscaling.v1.HorizontalPodAutoscalerSpec": autoscalerProblems,
  "io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerSpec": autoscalerProblems,
  "io.k8s.api.autoscaling.v2.MetricSpec": metricProblems,
};

function templateProblems(value: Fields, path: string): Problem[] {
  const metadata = isObject(value.metadata) ? value.metadata : {};
  return [
    ...labelProblems(asLabels(metadata.labels), childPath(path, "labels")),
    ...annotationProblems(asLabels(metadata.annotations), childPath(path, "annotations")),
  ];
}

function selectorProblems(value: Fields, path: string, kind: string): Problem[] {
  const selector = asLabelSelector(value.selector);
  const labels = templateLabels(value);
  const isEmpty =
    selector !== undefined &&
    Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions ?? []).length === 0;
  const problems: Problem[] = [];
  if (isEmpty) {
    const shown =
      "v1.LabelSelector{MatchLabels:map[string]string(nil), MatchExpressions:[]v1.LabelSelectorRequirement(nil)}";
    problems.push(invalidField(childPath(path, "selector"), shown, `empty selector is invalid for ${kind}`));
  }
  if (value.template !== undefined && !isEmpty && !matchesSelector(selector, labels)) {
    const at = childPath(path, "template.metadata.labels");
    problems.push(invalidField(at, goStringMap(labels), "`selector` does not match template `labels`"));
  }
  return problems;
}

function templateLabels(value: Fields): Readonly<Record<string, string>> | undefined {
  const template = isObject(value.template) ? value.template : {};
  return isObject(template.metadata) ? asLabels(template.metadata.labels) : undefined;
}

function onlyAlwaysRestarts(value: Fields, path: string): Problem[] {
  const template = isObject(value.template) ? value.template : {};
  const policy = isObject(template.spec) ? template.spec.restartPolicy : undefined;
  if (policy === undefined || policy === "Always") return [];
  return [unsupportedField(childPath(path, "template.spec.restartPolicy"), policy, ["Always"])];
}

function deploymentProblems(value: Fields, path: string): Problem[] {
  const problems = [...selectorProblems(value, path, "deployment"), ...onlyAlwaysRestarts(value, path)];
  const strategy = isObject(value.strategy) ? value.strategy : {};
  const at = childPath(path, "strategy.rollingUpdate");
  if (strategy.type === "Recreate" && strategy.rollingUpdate !== undefined) {
    problems.push(forbiddenField(at, "may not be specified when strategy `type` is 'Recreate'"));
  } else if (isObject(strategy.rollingUpdate)) {
    problems.push(...rollingUpdateProblems(strategy.rollingUpdate, at));
  }
  const deadlineSeconds = value.progressDeadlineSeconds;
  const minReadySeconds = typeof value.minReadySeconds === "number" ? value.minReadySeconds : 0;
  if (typeof deadlineSeconds === "number" && deadlineSeconds <= minReadySeconds) {
    const shown = String(deadlineSeconds);
    problems.push(
      invalidField(childPath(path, "progressDeadlineSeconds"), shown, "must be greater than minReadySeconds"),
    );
  }
  return problems;
}

function rollingUpdateProblems(update: Fields, path: string): Problem[] {
  const unavailable = childPath(path, "maxUnavailable");
  const problems = [
    ...intOrPercentProblems(update.maxUnavailable, unavailable),
    ...intOrPercentProblems(update.maxSurge, childPath(path, "maxSurge")),
  ];
  if (isZero(update.maxUnavailable) && isZero(update.maxSurge)) {
    const detail = "may not be 0 when `maxSurge` is 0";
    problems.push(invalidField(unavailable, goIntOrString(update.maxUnavailable), detail));
  }
  if (typeof update.maxUnavailable === "string" && Number.parseInt(update.maxUnavailable, 10) > 100) {
    problems.push(invalidField(unavailable, goIntOrString(update.maxUnavailable), "must not be greater than 100%"));
  }
  return problems;
}

function isZero(value: unknown): boolean {
  return value === 0 || value === "0%" || value === undefined;
}

function intOrPercentProblems(value: unknown, path: string): Problem[] {
  if (typeof value === "number" && value < 0) {
    return [invalidField(path, goIntOrString(value), "must be greater than or equal to 0")];
  }
  if (typeof value !== "string" || /^[0-9]+%$/.test(value)) return [];
  const detail =
    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
  return [invalidField(path, goIntOrString(value), detail)];
}

function requirementProblems(value: Fields, path: string): Problem[] {
  const at = childPath(path, "values");
  const isEmpty = !Array.isArray(value.values) || value.values.length === 0;
  if ((value.operator === "In" || value.operator === "NotIn") && isEmpty) {
    return [requiredField(at, "must be specified when `operator` is 'In' or 'NotIn'")];
  }
  if ((value.operator === "Exists" || value.operator === "DoesNotExist") && !isEmpty) {
    return [forbiddenField(at, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")];
  }
  return [];
}

function disruptionBudgetProblems(value: Fields, path: string): Problem[] {
  if (value.minAvailable !== undefined && value.maxUnavailable !== undefined) {
    const shown = `policy.PodDisruptionBudgetSpec{…}`;
    return [invalidField(path, shown, "minAvailable and maxUnavailable cannot be both set")];
  }
  return ["minAvailable", "maxUnavailable"].flatMap((field) =>
    intOrPercentProblems(value[field], childPath(path, field)),
  );
}

function autoscalerProblems(value: Fields, path: string): Problem[] {
  const { minReplicas, maxReplicas } = value;
  const at = childPath(path, "maxReplicas");
  if (typeof maxReplicas !== "number") return [invalidField(at, "0", "must be greater than 0")];
  if (maxReplicas < 1) return [invalidField(at, String(maxReplicas), "must be greater than 0")];
  if (typeof minReplicas !== "number" || maxReplicas >= minReplicas) return [];
  return [invalidField(at, String(maxReplicas), "must be greater than or equal to `minReplicas`")];
}

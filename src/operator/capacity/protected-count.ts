import { type KubeObject, type LabelSelector, matchesSelector } from "#api";
import { isObject, scaleIntOrPercent } from "#base";

/** Pods of one copy, as a budget or a quota sees them. */
export interface CopyPods {
  readonly labels: Readonly<Record<string, string>> | undefined;
  readonly desiredCount: number;
}

/**
 * Pods that PodDisruptionBudgets keep available of a copy; the largest when several select its pods, 0 when none does. A
 * number stays as it is written, a percentage is of the pods that the copy asks for.
 *
 * Source: Kubernetes `policy/v1`, PodDisruptionBudgetSpec; both percentages are rounded up, an empty selector selects all.
 */
export function protectedCount(budgets: readonly KubeObject[], pods: CopyPods): number {
  return budgets.reduce((most, { spec }) => {
    if (!isObject(spec) || !isObject(spec.selector)) return most;
    // The API server has checked its form.
    return matchesSelector(spec.selector as LabelSelector, pods.labels) ? Math.max(most, keptBy(spec, pods)) : most;
  }, 0);
}

function keptBy(spec: Readonly<Record<string, unknown>>, { desiredCount }: CopyPods): number {
  const least = scaled(spec.minAvailable, desiredCount);
  if (least !== undefined) return least;
  const missing = scaled(spec.maxUnavailable, desiredCount);
  return missing === undefined ? 0 : Math.max(0, desiredCount - missing);
}

function scaled(value: unknown, total: number): number | undefined {
  if (typeof value !== "number" && typeof value !== "string") return undefined;
  const result = scaleIntOrPercent(value, total, "up");
  return result.ok ? Math.max(0, result.value) : undefined;
}

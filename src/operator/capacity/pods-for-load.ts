import type { HorizontalPodAutoscaler, MetricSpec, MetricTarget } from "#api";
import { canonicalJson, isObject, parseQuantity } from "#base";

/**
 * Pods that an HPA's own metrics ask for at the load there is: replicas times the largest ratio of a current value to its
 * target, neither rounded nor bounded. Undefined when no metric is known.
 *
 * A metric that the HPA could not compute is left out, as its value would be that of an earlier time. `isOurs` names metrics
 * that say what we asked for, which is no load. Source: keda-hpa-spec 18.2, 18.3.
 */
export function podsForLoad(
  hpa: HorizontalPodAutoscaler,
  isOurs: (metricName: string) => boolean = () => false,
): number | undefined {
  const { currentReplicas, currentMetrics, conditions } = hpa.status ?? {};
  // Also when nothing is scaled because there are no pods.
  if (conditions?.some(({ type, status }) => type === "ScalingActive" && status === "False") === true) return undefined;
  if (currentReplicas === undefined || currentReplicas <= 0) return undefined;
  const statuses = (currentMetrics ?? []).filter(isObject);
  const ratios = (hpa.spec.metrics ?? []).flatMap((metric) => {
    const wanted = partOf(metric);
    if (wanted === undefined || isOurs(nameOf(wanted))) return [];
    const found = statuses.map(partOf).find((part) => part !== undefined && idOf(part) === idOf(wanted));
    const ratio = found === undefined ? undefined : ratioOf(found.body.current, wanted.body.target);
    return ratio === undefined ? [] : [ratio];
  });
  return ratios.length === 0 ? undefined : currentReplicas * Math.max(...ratios);
}

/** The one part of a metric that its type names; the specification and the status are built alike. */
interface MetricPart {
  readonly type: string;
  readonly body: Readonly<Record<string, unknown>>;
}

const FIELD_OF_TYPE: Readonly<Record<MetricSpec["type"], string>> = {
  Resource: "resource",
  ContainerResource: "containerResource",
  Pods: "pods",
  Object: "object",
  External: "external",
};

function partOf(metric: object): MetricPart | undefined {
  const fields: Readonly<Record<string, unknown>> = { ...metric };
  const { type } = fields;
  if (typeof type !== "string" || !Object.hasOwn(FIELD_OF_TYPE, type)) return undefined;
  const body = fields[FIELD_OF_TYPE[type as MetricSpec["type"]]];
  return isObject(body) ? { type, body } : undefined;
}

/** What makes a metric of the status that of the specification. */
function idOf({ type, body }: MetricPart): string {
  const { name, container, metric, describedObject } = body;
  return canonicalJson([type, name, container, metric, describedObject]);
}

function nameOf({ body: { name, metric } }: MetricPart): string {
  const told = isObject(metric) ? metric.name : name;
  return typeof told === "string" ? told : "";
}

/** The kind of the target says which of the current values is measured against it. */
function ratioOf(current: unknown, target: unknown): number | undefined {
  if (!isObject(current) || !isObject(target)) return undefined;
  const fields: Readonly<Record<MetricTarget["type"], string>> = {
    Utilization: "averageUtilization",
    AverageValue: "averageValue",
    Value: "value",
  };
  const { type } = target;
  if (typeof type !== "string" || !Object.hasOwn(fields, type)) return undefined;
  const field = fields[type as MetricTarget["type"]];
  const [now, aim] = [numberOf(current[field]), numberOf(target[field])];
  if (now === undefined || aim === undefined || aim <= 0 || now < 0) return undefined;
  const ratio = now / aim;
  return Number.isFinite(ratio) ? ratio : undefined;
}

function numberOf(value: unknown): number | undefined {
  if (typeof value !== "number" && typeof value !== "string") return undefined;
  const parsed = parseQuantity(value);
  return parsed.ok ? parsed.value : undefined;
}

import {
  ageColumn,
  ageOf,
  at,
  joinUpTo,
  listAt,
  NONE,
  nameColumn,
  nameOf,
  numberAt,
  type Printer,
  text,
  textAt,
  UNKNOWN,
  UNSET,
} from "../printer.ts";

const METRICS_MAX = 2;

/** HPAs, in the form of `autoscaling/v2` or `v1`. Source: kubernetes `printers/internalversion.printHorizontalPodAutoscaler`. */
export const horizontalPodAutoscalerPrinter: Printer = {
  columns: [
    nameColumn,
    text("Reference", "What it scales."),
    text("Targets", "Metrics now and as they should be."),
    text("MinPods", "Fewest pods."),
    text("MaxPods", "Most pods."),
    text("Replicas", "Pods now."),
    ageColumn,
  ],
  cells: (autoscaler, nowMs) => [
    nameOf(autoscaler),
    `${textAt(autoscaler, "spec", "scaleTargetRef", "kind")}/${textAt(autoscaler, "spec", "scaleTargetRef", "name")}`,
    targets(autoscaler),
    textAt(autoscaler, "spec", "minReplicas") || UNSET,
    numberAt(autoscaler, "spec", "maxReplicas"),
    numberAt(autoscaler, "status", "currentReplicas"),
    ageOf(autoscaler, nowMs),
  ],
};

function targets(autoscaler: unknown): string {
  const cpu = at(autoscaler, "spec", "targetCPUUtilizationPercentage");
  if (typeof cpu === "number") {
    const current = at(autoscaler, "status", "currentCPUUtilizationPercentage");
    return `cpu: ${typeof current === "number" ? `${current}%` : UNKNOWN}/${cpu}%`;
  }
  const metrics = listAt(autoscaler, "spec", "metrics");
  const current = listAt(autoscaler, "status", "currentMetrics");
  return (
    joinUpTo(
      metrics.map((metric, index) => target(metric, current[index])),
      METRICS_MAX,
      ", ",
    ) || NONE
  );
}

function target(metric: unknown, current: unknown): string {
  switch (textAt(metric, "type")) {
    case "Resource":
      return resourceTarget(at(metric, "resource"), at(current, "resource", "current"));
    case "ContainerResource":
      return resourceTarget(at(metric, "containerResource"), at(current, "containerResource", "current"));
    case "Pods":
      return valueTarget(at(metric, "pods", "target"), at(current, "pods", "current"), "averageValue");
    case "Object":
      return valueOrAverage(at(metric, "object", "target"), at(current, "object", "current"));
    case "External":
      return valueOrAverage(at(metric, "external", "target"), at(current, "external", "current"));
    default:
      return "<unknown type>";
  }
}

function resourceTarget(resource: unknown, current: unknown): string {
  const wanted = at(resource, "target");
  const name = textAt(resource, "name");
  if (at(wanted, "averageValue") !== undefined) return `${name}: ${valueTarget(wanted, current, "averageValue")}`;
  const used = textAt(current, "averageUtilization");
  const utilization = textAt(wanted, "averageUtilization");
  return `${name}: ${used === "" ? UNKNOWN : `${used}%`}/${utilization === "" ? "<auto>" : `${utilization}%`}`;
}

function valueOrAverage(wanted: unknown, current: unknown): string {
  if (at(wanted, "averageValue") === undefined) return valueTarget(wanted, current, "value");
  return `${valueTarget(wanted, current, "averageValue")} (avg)`;
}

function valueTarget(wanted: unknown, current: unknown, field: "value" | "averageValue"): string {
  return `${textAt(current, field) || UNKNOWN}/${textAt(wanted, field)}`;
}

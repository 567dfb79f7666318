import type { VectorMatching } from "./ast.ts";
import { dropLabels, keepLabels, type Labels, METRIC_NAME } from "./labels.ts";

/** The labels on which an element finds its partner: those of `on`, or all but the name and those of `ignoring`. */
export function matchLabels(labels: Labels, { on, labels: names }: VectorMatching): Labels {
  return on ? keepLabels(labels, names) : dropLabels(labels, [...names, METRIC_NAME]);
}

import type { MetricSource } from "../metric-source.ts";
import { prometheus } from "./prometheus.ts";

const sources: readonly MetricSource[] = [prometheus];

/** The source that a `spec.provider.type` means. */
export function sourceOf(type: string): MetricSource | undefined {
  return sources.find(({ types }) => types.includes(type));
}

/** Every type that is executed, for messages. */
export function sourceTypes(): readonly string[] {
  return sources.flatMap(({ types }) => types);
}

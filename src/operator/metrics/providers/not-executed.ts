import type { MetricSource } from "../metric-source.ts";

/** Providers of Flagger's API that are known and not built. */
const TYPES = ["stackdriver", "splunk", "keptn"];

/** Answers for them with an error that names what is executed instead. */
export function notExecutedSource(executed: readonly string[]): MetricSource {
  const message = (type: string): string =>
    `the provider type "${type}" is not executed; use one of ${executed.join(", ")}`;
  return {
    types: TYPES,
    fault: ({ provider }) => message(provider.type),
    query: async ({ provider }) => ({ kind: "error", message: message(provider.type) }),
    probe: async ({ provider }) => message(provider.type),
  };
}

import type { MetricsOverride, TagOverride, Telemetry } from "#api";
import { ROOT_NAMESPACE } from "./cluster.ts";
import type { Report } from "./finding.ts";
import type { Workload } from "./workload.ts";

/** The metrics of HTTP requests, in the order in which they are exposed. */
export const HTTP_METRICS = ["requestCount", "requestDuration", "requestSize", "responseSize"] as const;
export type HttpMetric = (typeof HTTP_METRICS)[number];

export type Reporter = "source" | "destination";

/** Where the value of a tag comes from. Only plain attributes and texts are executed of CEL. */
export type TagSource =
  | { readonly kind: "text"; readonly value: string }
  | { readonly kind: "requestHeader"; readonly name: string }
  | { readonly kind: "method" | "host" | "path" | "scheme" | "responseCode" | "protocol" };

/** A change of a metric's tags; a source of undefined takes the tag away. */
export interface TagEdit {
  readonly tag: string;
  readonly source: TagSource | undefined;
}

/** One override of one Telemetry object. */
export interface TelemetryRule {
  /** Empty: everywhere. */
  readonly namespace: string;
  readonly selector: readonly (readonly [string, string])[];
  readonly metrics: readonly HttpMetric[];
  readonly reporters: readonly Reporter[];
  readonly isDisabled: boolean | undefined;
  readonly edits: readonly TagEdit[];
}

/** Metrics of one workload that share their tags, so that one lookup of a series serves them all. */
export interface MetricGroup {
  readonly metrics: readonly HttpMetric[];
  readonly edits: readonly TagEdit[];
}

const METRIC: Readonly<Record<string, readonly HttpMetric[]>> = {
  ALL_METRICS: HTTP_METRICS,
  REQUEST_COUNT: ["requestCount"],
  REQUEST_DURATION: ["requestDuration"],
  REQUEST_SIZE: ["requestSize"],
  RESPONSE_SIZE: ["responseSize"],
};

const ATTRIBUTE: Readonly<Record<string, TagSource>> = {
  "request.method": { kind: "method" },
  "request.host": { kind: "host" },
  "request.path": { kind: "path" },
  "request.url_path": { kind: "path" },
  "request.scheme": { kind: "scheme" },
  "request.protocol": { kind: "protocol" },
  "response.code": { kind: "responseCode" },
};

/** Names that a tag can have. Source: Prometheus data model, label names. */
const TAG_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** Compiles the overrides of one Telemetry object, in order. */
export function compileTelemetry(telemetry: Telemetry, report: Report): TelemetryRule[] {
  const namespace = telemetry.metadata.namespace ?? "default";
  const selector = Object.entries(telemetry.spec.selector?.matchLabels ?? {});
  return (telemetry.spec.metrics ?? [])
    .flatMap(({ overrides }) => overrides ?? [])
    .map((override) => ({
      namespace: namespace === ROOT_NAMESPACE ? "" : namespace,
      selector,
      metrics: METRIC[override.match?.metric ?? "ALL_METRICS"] ?? [],
      reporters: reportersOf(override.match?.mode),
      isDisabled: override.disabled,
      edits: Object.entries(override.tagOverrides ?? {}).flatMap((entry) => compileEdit(entry, report)),
    }));
}

function reportersOf(mode: NonNullable<MetricsOverride["match"]>["mode"]): readonly Reporter[] {
  if (mode === "CLIENT") return ["source"];
  return mode === "SERVER" ? ["destination"] : ["source", "destination"];
}

function compileEdit([tag, override]: readonly [string, TagOverride], report: Report): TagEdit[] {
  if (!TAG_NAME.test(tag)) {
    report("malformed", `tagOverrides: "${tag}" is no name of a tag`);
    return [];
  }
  if (override.operation === "REMOVE") return [{ tag, source: undefined }];
  const source = parseTagValue(override.value ?? "");
  if (source === undefined)
    report(
      "unsupported",
      `tagOverrides.${tag}: of CEL only attributes and texts are executed, received "${override.value}"`,
    );
  return [{ tag, source: source ?? { kind: "text", value: "unknown" } }];
}

function parseTagValue(value: string): TagSource | undefined {
  const attribute = Object.hasOwn(ATTRIBUTE, value) ? ATTRIBUTE[value] : undefined;
  if (attribute !== undefined) return attribute;
  const text = /^(?:'([^'\\]*)'|"([^"\\]*)")$/.exec(value);
  if (text !== null) return { kind: "text", value: text[1] ?? text[2] ?? "" };
  const header = /^request\.headers\[(?:'([^'\\]+)'|"([^"\\]+)")\]$/.exec(value);
  return header === null ? undefined : { kind: "requestHeader", name: (header[1] ?? header[2] ?? "").toLowerCase() };
}

/** The groups of metrics that a workload reports: root rules first, then its namespace's, then those that select it. */
export function metricGroups(rules: readonly TelemetryRule[], workload: Workload, reporter: Reporter): MetricGroup[] {
  const applying = [
    ...rules.filter((rule) => rule.namespace === ""),
    ...rules.filter((rule) => rule.namespace === workload.namespace && rule.selector.length === 0),
    ...rules.filter((rule) => rule.namespace === workload.namespace && rule.selector.length > 0),
  ].filter(
    (rule) =>
      rule.reporters.includes(reporter) && rule.selector.every(([key, value]) => workload.labels[key] === value),
  );
  const groups = new Map<string, { metrics: HttpMetric[]; edits: readonly TagEdit[] }>();
  for (const metric of HTTP_METRICS) {
    const own = applying.filter((rule) => rule.metrics.includes(metric));
    const isDisabled = own.findLast((rule) => rule.isDisabled !== undefined)?.isDisabled ?? false;
    if (isDisabled) continue;
    const edits = [...new Map(own.flatMap((rule) => rule.edits).map((edit) => [edit.tag, edit])).values()];
    const key = JSON.stringify(edits);
    const group = groups.get(key) ?? { metrics: [], edits };
    groups.set(key, group);
    group.metrics.push(metric);
  }
  return [...groups.values()];
}

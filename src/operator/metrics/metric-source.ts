import type { MetricTemplateProvider } from "#api";
import type { MetricResult } from "#rollout";
import type { OutboundHttp } from "../gates/index.ts";

/**
 * One service that answers metric queries; the whole contract of a provider.
 *
 * A further provider is one file in `providers/` that exports a source, and its name in the list of `providers/index.ts`.
 */
export interface MetricSource {
  /** Values of `spec.provider.type` of a MetricTemplate that mean this source. */
  readonly types: readonly string[];
  /** Asks; never rejects. */
  query(request: MetricRequest): Promise<MetricResult>;
  /** What of template and Secret keeps the question from being asked, found without asking. Absent: nothing is known. */
  fault?(request: MetricRequest): string | undefined;
  /** Whether it can be asked at all: undefined when it answers, else why not. Never rejects. */
  probe(request: Omit<MetricRequest, "query" | "intervalMs">): Promise<string | undefined>;
}

/** One question to a source. */
export interface MetricRequest {
  readonly provider: MetricTemplateProvider;
  /** Rendered. */
  readonly query: string;
  /** The window that the metric looks back over. */
  readonly intervalMs: number;
  /** Decoded data of the Secret that `secretRef` names; undefined when it names none. Never to be shown. */
  readonly secret: ReadonlyMap<string, string> | undefined;
  readonly http: OutboundHttp;
  readonly signal: AbortSignal;
  readonly nowMs: number;
  /** The process's environment, where some clouds put credentials. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

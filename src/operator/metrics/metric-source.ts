import type { MetricTemplateProvider } from "#api";
import type { MetricResult } from "#rollout";
import type { OutboundHttp } from "../gates/index.ts";

/** One way to measure: the types of MetricTemplate providers that it executes. */
export interface MetricSource {
  readonly types: readonly string[];
  /** Asks; never rejects. */
  query(request: MetricRequest): Promise<MetricResult>;
  /** undefined when it answers, else why not. */
  probe(request: Omit<MetricRequest, "query" | "intervalMs">): Promise<string | undefined>;
}

export interface MetricRequest {
  readonly provider: MetricTemplateProvider;
  /** Rendered. */
  readonly query: string;
  readonly intervalMs: number;
  /** Decoded data of the Secret that the template names; undefined when it names none. */
  readonly secret: ReadonlyMap<string, string> | undefined;
  readonly http: OutboundHttp;
  readonly signal: AbortSignal;
  readonly nowMs: number;
  readonly env: Readonly<Record<string, string | undefined>>;
}

import type { CrossVersionObjectReference, MetricIdentifier } from "#api";
import type { PodSample } from "./group-pods.ts";

/** Samples of one metric by pod name. */
export type PodSamples = ReadonlyMap<string, PodSample>;

/**
 * Where an autoscaler reads its metrics: the one port of all metric types. Values are plain numbers: cores, bytes, or a count
 * with a precision of a thousandth.
 *
 * Every call rejects with a Failure whose message names the API that did not answer, or that had nothing.
 */
export interface MetricReader {
  /** Usage of the pods under a selector; with a container, of that container alone. */
  resource(query: ResourceQuery): Promise<PodSamples>;
  /** A metric that each pod under a selector has. */
  pods(query: PodsQuery): Promise<PodSamples>;
  /** A metric of one object. */
  object(query: ObjectQuery): Promise<number>;
  /** A metric from outside of the cluster: one value for each series that matches, at least one. */
  external(query: ExternalQuery): Promise<readonly number[]>;
}

export interface ResourceQuery {
  readonly namespace: string;
  /** The pods', as text. */
  readonly selector: string;
  /** `cpu` or `memory`. */
  readonly resource: string;
  /** All containers when absent. */
  readonly container?: string;
}

export interface PodsQuery {
  readonly namespace: string;
  readonly selector: string;
  readonly metric: MetricIdentifier;
}

export interface ObjectQuery {
  readonly namespace: string;
  readonly object: CrossVersionObjectReference;
  readonly metric: MetricIdentifier;
}

export interface ExternalQuery {
  readonly namespace: string;
  readonly metric: MetricIdentifier;
}

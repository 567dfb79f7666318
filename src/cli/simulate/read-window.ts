import type { CounterWindow, PodCounters } from "#simulator";
import { queryRange, type Range, type RangeSeries } from "./prometheus-range.ts";

/** Whose counters are read. */
export interface Service {
  readonly server: URL;
  readonly namespace: string;
  /** Name of the workload: the target, or its primary, which serves while nothing is released. */
  readonly workload: string;
  /** Label that names the pod. */
  readonly podLabel: string;
}

/**
 * Reads the raw counters of a service's pods over a range: requests, errors and latencies as their own sidecars counted them.
 *
 * Never rates: they hide restarts and the first requests of a pod. Source: statistics reference 2.9.
 */
export async function readWindow(service: Service, range: Range, signal: AbortSignal): Promise<CounterWindow> {
  const { server, podLabel } = service;
  const ask = (query: string): Promise<readonly RangeSeries[]> => queryRange(server, { ...range, query }, signal);
  const of = selectorOf(service);
  const [requests, errors, buckets] = await Promise.all([
    ask(`sum by (${podLabel}) (istio_requests_total{${of}})`),
    ask(`sum by (${podLabel}) (istio_requests_total{${of},response_code=~"5.*"})`),
    ask(`sum by (${podLabel}, le) (istio_request_duration_milliseconds_bucket{${of}})`),
  ]);
  const timesMs = timesOf(range);
  const boundsMs = [...new Set(buckets.map(({ labels }) => Number(labels["le"])))]
    .filter(Number.isFinite)
    .toSorted((a, b) => a - b);
  // A sum over pods that nothing tells apart would fall when one of them goes.
  const named = requests.filter(({ labels }) => labels[podLabel] !== undefined);
  const pods = named.map((series): PodCounters => {
    const pod = series.labels[podLabel] ?? "";
    const isOfPod = ({ labels }: RangeSeries): boolean => labels[podLabel] === pod;
    const own = buckets.filter(isOfPod);
    const line = (found: RangeSeries | undefined) => timesMs.map((atMs) => found?.values.get(atMs));
    return {
      pod,
      requests: line(series),
      errors: line(errors.find(isOfPod)),
      within: boundsMs.map((bound) => line(own.find(({ labels }) => Number(labels["le"]) === bound))),
    };
  });
  return { timesMs, boundsMs, pods };
}

/** The matchers of a workload's requests, as its own sidecars counted them. */
export function selectorOf({ namespace, workload }: Service): string {
  const quoted = (text: string): string => JSON.stringify(text);
  return `reporter="destination",destination_workload_namespace=${quoted(namespace)},destination_workload=${quoted(workload)}`;
}

/** The times of a range that Prometheus answers with. */
export function timesOf({ startMs, endMs, stepMs }: Range): number[] {
  const count = Math.floor((endMs - startMs) / stepMs) + 1;
  return Array.from({ length: count }, (_, index) => startMs + index * stepMs);
}

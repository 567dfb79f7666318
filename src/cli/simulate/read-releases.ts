import { findReleases, type FoundReleases, type PodCounters, type ReleaseWindow } from "#simulator";
import { queryRange, type Range } from "./prometheus-range.ts";
import { readWindow, selectorOf, type Service, timesOf } from "./read-window.ts";

/** A Canary's service: where its past is read, and under which names its copies ran. */
export interface ReleasedService extends Omit<Service, "workload"> {
  /** Name of the target; the primary has `-primary` behind it. */
  readonly target: string;
}

/** A stretch in which the target had requests. */
export type Stretch = Pick<Range, "startMs" | "endMs">;

/** Step of the look for releases; an increase over it and one step of scrapes misses no two neighbouring samples. */
const SCAN_STEP_MS = 300_000;
/** Steps without a request that are still the same stretch. */
const SCAN_GAP_COUNT = 2;
const SCAN_CHUNK_MS = 86_400_000;
/** Questions at most; with a longer past each is about more than a day. */
const SCAN_CHUNKS_MAX = 400;

/** Parts of the past that are scanned one after another, the oldest first. */
export function scanChunks({ startMs, endMs }: Stretch): readonly Stretch[] {
  const inSteps = (ms: number): number => Math.ceil(ms / SCAN_STEP_MS) * SCAN_STEP_MS;
  const chunkMs = Math.max(SCAN_CHUNK_MS, inSteps((endMs - startMs) / SCAN_CHUNKS_MAX));
  const chunks: Stretch[] = [];
  // Whole steps back from the end, so that the last one ends there.
  for (let fromMs = endMs - inSteps(endMs - startMs); fromMs < endMs; fromMs += chunkMs)
    chunks.push({ startMs: fromMs, endMs: Math.min(endMs, fromMs + chunkMs) });
  return chunks;
}

/** The times in a chunk before which the target had requests, five minutes each. */
export async function scanForTraffic(
  service: ReleasedService,
  { chunk, stepMs }: { readonly chunk: Stretch; readonly stepMs: number },
  signal: AbortSignal,
): Promise<readonly number[]> {
  const of = selectorOf({ ...service, workload: service.target });
  const windowSeconds = (SCAN_STEP_MS + stepMs) / 1000;
  const query = `sum(increase(istio_requests_total{${of}}[${windowSeconds}s]))`;
  const series = await queryRange(service.server, { ...chunk, stepMs: SCAN_STEP_MS, query }, signal);
  return series.flatMap(({ values }) => [...values].filter(([, count]) => count > 0).map(([atMs]) => atMs));
}

/** Joins the times of a scan to stretches. */
export function stretchesOf(timesMs: readonly number[], stepMs: number): readonly Stretch[] {
  const stretches: { startMs: number; endMs: number }[] = [];
  for (const atMs of timesMs.toSorted((a, b) => a - b)) {
    const open = stretches.at(-1);
    if (open !== undefined && atMs - open.endMs <= SCAN_GAP_COUNT * SCAN_STEP_MS) open.endMs = atMs;
    else stretches.push({ startMs: atMs - SCAN_STEP_MS - stepMs, endMs: atMs });
  }
  return stretches;
}

/** Reads the counters of both copies, and finds the releases among them. `historyMs`: what is read before the stretch. */
export async function readReleases(
  service: ReleasedService,
  { stretch, stepMs, historyMs }: { readonly stretch: Stretch; readonly stepMs: number; readonly historyMs: number },
  signal: AbortSignal,
): Promise<FoundReleases> {
  const startMs = Math.floor((stretch.startMs - historyMs) / stepMs) * stepMs;
  const range: Range = { startMs, endMs: stretch.endMs + stepMs, stepMs };
  const { target } = service;
  const [canary, primary, weights] = await Promise.all([
    readWindow({ ...service, workload: target }, range, signal),
    readWindow({ ...service, workload: `${target}-primary` }, range, signal),
    readWeights(service, range, signal),
  ]);
  // Copies of which one never measured a bound cannot be compared by it.
  const boundsMs = primary.boundsMs.filter((bound) => canary.boundsMs.includes(bound));
  const keep = ({ boundsMs: bounds, pods }: typeof canary): PodCounters[] =>
    pods.map((pod) => ({ ...pod, within: boundsMs.map((bound) => pod.within[bounds.indexOf(bound)] ?? []) }));
  const window: ReleaseWindow = {
    timesMs: timesOf(range),
    sinceMs: stretch.startMs,
    boundsMs,
    canary: keep(canary),
    primary: keep(primary),
    weights,
  };
  return findReleases(window);
}

/** The weight that Serin, or Flagger, told of the target; a scraper that has such labels itself renames the namespace's. */
async function readWeights(
  { server, namespace, target }: ReleasedService,
  range: Range,
  signal: AbortSignal,
): Promise<readonly (number | undefined)[]> {
  const of = (label: string): string =>
    `flagger_canary_weight{workload=${JSON.stringify(target)},${label}=${JSON.stringify(namespace)}}`;
  const query = `max(${of("namespace")} or ${of("exported_namespace")})`;
  const [series] = await queryRange(server, { ...range, query }, signal);
  return timesOf(range).map((atMs) => series?.values.get(atMs));
}

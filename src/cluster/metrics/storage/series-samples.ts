import type { Labels, Series } from "#promql";
import { appendToChunk, type Chunk, closeChunk, hasRoom, newChunk, valueAt } from "./chunk.ts";

/** A series in memory. */
export interface StoredSeries {
  readonly id: number;
  readonly labels: Labels;
  readonly chunks: Chunk[];
  lastMs: number;
  /** The newest sample is a staleness marker. */
  isStale: boolean;
  /** The store let go of the series for want of samples; who holds it must ask for it anew. */
  isForgotten: boolean;
}

export function newStoredSeries(id: number, labels: Labels): StoredSeries {
  return { id, labels, chunks: [], lastMs: Number.NEGATIVE_INFINITY, isStale: false, isForgotten: false };
}

/** Appends a sample; `undefined` marks the series as stale. Returns false for one that is not newer than the last. */
export function appendSample(series: StoredSeries, timeMs: number, value: number | undefined): boolean {
  if (timeMs <= series.lastMs) return false;
  let chunk = series.chunks.at(-1);
  if (chunk === undefined || !hasRoom(chunk, timeMs)) {
    if (chunk !== undefined) closeChunk(chunk);
    chunk = newChunk(timeMs);
    series.chunks.push(chunk);
  }
  appendToChunk(chunk, timeMs, value);
  series.lastMs = timeMs;
  series.isStale = value === undefined;
  return true;
}

/** Drops the chunks that ended before a time. */
export function dropBefore(series: StoredSeries, timeMs: number): void {
  let count = 0;
  while (count < series.chunks.length && (series.chunks[count]?.endMs ?? 0) < timeMs) count++;
  if (count > 0) series.chunks.splice(0, count);
}

/** Copies the samples from `startMs` to `endMs`, both included. */
export function readSamples(series: StoredSeries, startMs: number, endMs: number): Series {
  const chunks = series.chunks.filter((chunk) => chunk.endMs >= startMs && chunk.startMs <= endMs);
  const maxCount = chunks.reduce((sum, chunk) => sum + chunk.count, 0);
  const timestamps = new Float64Array(maxCount);
  const values = new Float64Array(maxCount);
  let stale: Uint8Array | undefined;
  let count = 0;
  for (const chunk of chunks) {
    for (let i = 0; i < chunk.count; i++) {
      const timeMs = chunk.startMs + (chunk.offsets[i] ?? 0);
      if (timeMs < startMs || timeMs > endMs) continue;
      timestamps[count] = timeMs;
      values[count] = valueAt(chunk, i);
      if (chunk.staleIndexes.length > 0 && chunk.staleIndexes.includes(i)) {
        stale ??= new Uint8Array(maxCount);
        stale[count] = 1;
      }
      count++;
    }
  }
  const samples = {
    labels: series.labels,
    timestamps: timestamps.subarray(0, count),
    values: values.subarray(0, count),
  };
  return stale === undefined ? samples : { ...samples, stale: stale.subarray(0, count) };
}

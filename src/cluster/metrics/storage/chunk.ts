/** Samples of one series in a stretch of time, oldest first. Full chunks are kept in the smallest form that loses nothing. */
export interface Chunk {
  readonly startMs: number;
  endMs: number;
  count: number;
  /** Milliseconds since `startMs`. */
  offsets: Uint32Array;
  /** A single number when all values are the same. */
  values: Float64Array | Int32Array | number;
  /** Indexes of staleness markers, nearly always none. */
  readonly staleIndexes: number[];
}

const SAMPLES_PER_CHUNK = 128;
/** A chunk's offsets must fit 32 bits, with room for a long gap. */
const MAX_CHUNK_SPAN_MS = 2 ** 31;

export function newChunk(startMs: number): Chunk {
  return {
    startMs,
    endMs: startMs,
    count: 0,
    offsets: new Uint32Array(8),
    values: new Float64Array(8),
    staleIndexes: [],
  };
}

/** Whether a sample of that time goes into the chunk rather than into a new one. */
export function hasRoom(chunk: Chunk, timeMs: number): boolean {
  return (
    chunk.count < SAMPLES_PER_CHUNK &&
    timeMs - chunk.startMs < MAX_CHUNK_SPAN_MS &&
    chunk.values instanceof Float64Array
  );
}

/** Appends a sample that is newer than the last; `undefined` is a staleness marker. */
export function appendToChunk(chunk: Chunk, timeMs: number, value: number | undefined): void {
  if (chunk.count === chunk.offsets.length) grow(chunk);
  chunk.offsets[chunk.count] = timeMs - chunk.startMs;
  if (chunk.values instanceof Float64Array) chunk.values[chunk.count] = value ?? Number.NaN;
  if (value === undefined) chunk.staleIndexes.push(chunk.count);
  chunk.count++;
  chunk.endMs = timeMs;
}

function grow(chunk: Chunk): void {
  const length = Math.min(SAMPLES_PER_CHUNK, chunk.offsets.length * 4);
  const offsets = new Uint32Array(length);
  offsets.set(chunk.offsets);
  chunk.offsets = offsets;
  const values = new Float64Array(length);
  if (chunk.values instanceof Float64Array) values.set(chunk.values);
  chunk.values = values;
}

/** Shrinks a chunk that gets no more samples: most counters stand still or count in whole numbers. */
export function closeChunk(chunk: Chunk): void {
  chunk.offsets = chunk.offsets.slice(0, chunk.count);
  if (!(chunk.values instanceof Float64Array)) return;
  const values = chunk.values.slice(0, chunk.count);
  const first = values[0] ?? 0;
  // Object.is tells -0 from 0; NaN is only equal to a NaN, whose bits do not matter.
  if (values.every((value) => Object.is(value, first))) chunk.values = first;
  else if (values.every((value) => (value | 0) === value && !Object.is(value, -0)))
    chunk.values = Int32Array.from(values);
  else chunk.values = values;
}

export function valueAt(chunk: Chunk, index: number): number {
  return typeof chunk.values === "number" ? chunk.values : (chunk.values[index] ?? Number.NaN);
}

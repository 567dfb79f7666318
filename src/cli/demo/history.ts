import type { Frame } from "./view.ts";

/** One stretch of time: rates over it, the rest as it was at its end. */
export interface Column {
  readonly requestsPerSecond: number;
  readonly weightPercent: number;
  readonly primary: CopyColumn;
  readonly canary: CopyColumn;
  /** Requests that failed or were late. */
  readonly badCount: number;
}

export interface CopyColumn {
  readonly ready: number;
  /** Pods that the traffic needed; 0 where nothing was said of it. */
  readonly need: number;
}

/** Sums over a whole run, from when the release began. */
export interface CapacityTotals {
  /** Pods of both copies that there were, ready or not. */
  readonly podMinutes: number;
  readonly maxReady: { readonly primary: number; readonly canary: number };
  /** How long a copy with traffic had fewer ready pods than its traffic needed. */
  readonly shortSeconds: { readonly primary: number; readonly canary: number };
  readonly failed: number;
  readonly late: number;
}

/** How long a column stands for. */
export const COLUMN_MS = 3000;
/** What fits beside the names of the rows on 80 columns. */
export const COLUMN_COUNT = 60;

const COPIES = ["primary", "canary"] as const;

/** The latest minutes of a run in columns, and the sums over all of it. */
export interface History {
  add(frame: Frame): void;
  columns(): readonly Column[];
  totals(): CapacityTotals;
}

/** Creates a history whose first frame is its beginning. */
export function createHistory(): History {
  const columns: Column[] = [];
  let first: Frame | undefined;
  let last: Frame | undefined;
  /** The frame at the end of the last full column. */
  let edge: Frame | undefined;
  let podMs = 0;
  const maxReady = { primary: 0, canary: 0 };
  const shortMs = { primary: 0, canary: 0 };

  function add(frame: Frame): void {
    first ??= frame;
    edge ??= frame;
    const sinceMs = last === undefined ? 0 : frame.elapsedMs - last.elapsedMs;
    for (const copy of COPIES) {
      const { ready, desired } = frame.snapshot[copy];
      podMs += Math.max(ready, desired) * sinceMs;
      maxReady[copy] = Math.max(maxReady[copy], ready);
      if (isShort(frame, copy)) shortMs[copy] += sinceMs;
    }
    last = frame;
    const startMs = first.elapsedMs;
    const indexOf = ({ elapsedMs }: Frame): number => Math.floor((elapsedMs - startMs) / COLUMN_MS);
    if (indexOf(frame) === indexOf(edge)) return;
    columns.push(columnBetween(edge, frame));
    if (columns.length > COLUMN_COUNT) columns.shift();
    edge = frame;
  }

  return {
    add,
    columns: () => columns,
    totals: () => ({
      podMinutes: round(podMs / 60_000),
      maxReady: { ...maxReady },
      shortSeconds: { primary: round(shortMs.primary / 1000), canary: round(shortMs.canary / 1000) },
      failed: (last?.load.failed ?? 0) - (first?.load.failed ?? 0),
      late: (last?.load.late ?? 0) - (first?.load.late ?? 0),
    }),
  };
}

function isShort({ snapshot }: Frame, copy: (typeof COPIES)[number]): boolean {
  const hasTraffic = copy === "canary" ? snapshot.weightPercent > 0 : snapshot.weightPercent < 100;
  return hasTraffic && snapshot[copy].ready < (snapshot.capacity?.[copy].need ?? 0);
}

function columnBetween(from: Frame, to: Frame): Column {
  const seconds = (to.elapsedMs - from.elapsedMs) / 1000;
  const sent = to.load.total - from.load.total;
  const copy = (name: (typeof COPIES)[number]): CopyColumn => ({
    ready: to.snapshot[name].ready,
    need: to.snapshot.capacity?.[name].need ?? 0,
  });
  return {
    requestsPerSecond: seconds > 0 ? sent / seconds : 0,
    weightPercent: to.snapshot.weightPercent,
    primary: copy("primary"),
    canary: copy("canary"),
    badCount: to.load.failed + to.load.late - from.load.failed - from.load.late,
  };
}

function round(value: number): number {
  return Number(value.toFixed(1));
}

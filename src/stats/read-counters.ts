import { isObject } from "#base";
import type { CounterSeries } from "./counter-series.ts";
import type { CounterPlan, CounterState } from "./counter-tracker.ts";
import { readCount, readFields, readFinite, readList, readNumbers } from "./decode.ts";

/** Counters that were written down, read again; undefined when they do not fit the plan, and counting starts anew. */
export function readCounterState(plan: CounterPlan, json: unknown): CounterState | undefined {
  if (!isObject(json)) return undefined;
  const { settledMs: rawSettledMs, series: rawSeries } = json;
  if (Array.isArray(rawSeries) && rawSeries.length > plan.seriesMax) return undefined;
  const state = readFields<CounterState>(json, {
    waited: readCount,
    series: (value) => readList(value, (item) => readSeries(plan, item)),
  });
  if (state === undefined || rawSettledMs === undefined) return state;
  const settledMs = readFinite(rawSettledMs);
  return settledMs === undefined ? undefined : { ...state, settledMs };
}

function readSeries({ width }: CounterPlan, json: unknown): CounterSeries | undefined {
  const series = readFields<CounterSeries>(json, {
    id: readText,
    source: readText,
    arm: (value) => (value === "canary" || value === "primary" ? value : undefined),
    atMs: readFinite,
    isFresh: (value) => (typeof value === "boolean" ? value : undefined),
    phase: readPhase,
    // Of a series that is there at an unknown value there are none.
    values: (value) => readNumbers(value, width) ?? readNumbers(value, 0),
  });
  if (series === undefined || (series.values.length === 0 && series.phase !== "lost")) return undefined;
  const rawPending = isObject(json) ? json["pending"] : undefined;
  if (rawPending === undefined) return series;
  const pending = readNumbers(rawPending, width);
  return pending === undefined ? undefined : { ...series, pending };
}

function readText(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function readPhase(value: unknown): CounterSeries["phase"] | undefined {
  return value === "followed" || value === "overdue" || value === "lost" || value === "ended" ? value : undefined;
}

import type { CapacitySnapshot, CopyNeed } from "./capacity-snapshot.ts";
import { COLUMN_MS, type Column } from "./history.ts";
import { LATENCY_TARGET_MS } from "./load-changes.ts";
import type { CopySnapshot } from "./snapshot.ts";
import { bar, count, fitLines, type Frame, number, percent, seconds } from "./view.ts";

/** Lines of decisions that fit below the rest on 24 rows. */
const DECISIONS_SHOWN = 3;
const LEVELS = "▁▂▃▄▅▆▇█";

/** Draws a frame of a run under a load that changes: now, and how it came to be. At most 23 lines of `width` characters. */
export function renderCapacityFrame(frame: Frame, columns: readonly Column[], width: number): string[] {
  const { snapshot, load } = frame;
  const { capacity } = snapshot;
  const last = load.lastFailure === undefined || load.failed === 0 ? "" : ` (last: ${load.lastFailure})`;
  const lines = [
    `${frame.title}   ${seconds(frame.elapsedMs)}`,
    "",
    `  phase    ${snapshot.phase}, ${snapshot.failedChecks} of ${snapshot.threshold} checks failed`,
    `  weight   ${bar(snapshot.weightPercent)} ${percent(snapshot.weightPercent).trim()} asked, ${percent(snapshot.servedPercent).trim()} served`,
    `  clients  ${load.total} requests, ${load.late} later than ${LATENCY_TARGET_MS} ms, ${load.failed} failed${last}`,
    "",
    "  copy     version  pods ready needs next floor requests/s success      p99",
    copyLine("primary", snapshot.primary, capacity?.primary),
    copyLine("canary", snapshot.canary, capacity?.canary),
    `  ${capacityLine(capacity)}`,
    "",
    ...historyLines(columns),
    "",
    ...frame.decisions.slice(-DECISIONS_SHOWN).map((decision) => `  ${decision}`),
  ];
  return fitLines(lines, width);
}

function copyLine(name: string, copy: CopySnapshot, need: CopyNeed | undefined): string {
  const cells = [
    name.padEnd(8),
    (copy.desired === 0 ? "-" : copy.version).padEnd(8),
    count(copy.desired).padStart(4),
    count(copy.ready).padStart(5),
    count(need?.need).padStart(5),
    count(need?.next).padStart(4),
    count(need?.floor).padStart(5),
    number(copy.requestsPerSecond, "").padStart(10),
    number(copy.successPercent, "%").padStart(7),
    number(copy.p99Ms, " ms").padStart(8),
  ];
  return `  ${cells.join(" ")}`;
}

function capacityLine(capacity: CapacitySnapshot | undefined): string {
  if (capacity?.waiting !== undefined) return `waiting  ${capacity.waiting}`;
  if (capacity?.podsForAll === undefined) return "";
  const wayBack = capacity.wayBack === undefined ? "" : `; back ${capacity.wayBack}`;
  return `all      ${capacity.podsForAll.toFixed(1)} pods (${capacity.method ?? "?"})${wayBack}`;
}

/** The columns as rows of characters, one row for each of what they hold. */
export function historyLines(columns: readonly Column[]): string[] {
  const rates = columns.map(({ requestsPerSecond }) => requestsPerSecond);
  const peak = Math.max(1, ...rates);
  const row = (name: string, cell: (column: Column) => string): string =>
    `  ${name.padEnd(16)}${columns.map(cell).join("")}`;
  return [
    `  so far, ${COLUMN_MS / 1000} s a column; requests/s up to ${peak.toFixed(0)}, pods as numbers`,
    row("requests/s", (column) => level(column.requestsPerSecond / peak)),
    row("weight", ({ weightPercent }) => (weightPercent === 0 ? "·" : level(weightPercent / 100))),
    row("primary needs", ({ primary }) => digit(primary.need)),
    row("primary ready", ({ primary }) => digit(primary.ready)),
    row("canary needs", ({ canary }) => digit(canary.need)),
    row("canary ready", ({ canary }) => digit(canary.ready)),
    row("late or failed", ({ badCount }) => digit(badCount)),
  ];
}

function level(share: number): string {
  const index = Math.ceil(share * LEVELS.length) - 1;
  return LEVELS[Math.min(LEVELS.length - 1, Math.max(0, index))] ?? "";
}

/** One character for a count. */
function digit(value: number): string {
  if (value === 0) return "·";
  return value > 9 ? "+" : String(value);
}

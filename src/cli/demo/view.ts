import type { CapacitySnapshot, CopyNeed } from "./capacity-snapshot.ts";
import type { LoadCounts } from "./load.ts";
import type { CopySnapshot, RolloutSnapshot } from "./snapshot.ts";
import { verdictBar, type VerdictSnapshot, verdictText } from "./verdict-snapshot.ts";

/** All that one frame of the demo shows. */
export interface Frame {
  readonly title: string;
  readonly elapsedMs: number;
  readonly snapshot: RolloutSnapshot;
  readonly load: LoadCounts;
  /** Latest decisions, newest last. */
  readonly decisions: readonly string[];
}

const BAR_WIDTH = 40;

/** Draws a frame as lines of at most `width` characters. */
export function renderFrame(frame: Frame, width: number): string[] {
  const { snapshot, load } = frame;
  const lines = [
    `${frame.title}   ${seconds(frame.elapsedMs)}`,
    "",
    `  phase    ${snapshot.phase}`,
    `  weight   ${bar(snapshot.weightPercent)} ${percent(snapshot.weightPercent)} asked`,
    `  served   ${bar(snapshot.servedPercent ?? 0)} ${percent(snapshot.servedPercent)} measured`,
    `  checks   ${snapshot.failedChecks} of ${snapshot.threshold} failed`,
    "",
    "  copy     version  ready   requests/s   success     p99",
    copyLine("primary", snapshot.primary),
    copyLine("canary", snapshot.canary),
    "",
    ...verdictLines(snapshot),
    `  clients  ${load.total} requests, ${load.failed} failed${load.lastFailure === undefined ? "" : ` (last: ${load.lastFailure})`}`,
    "",
    ...frame.decisions.map((decision) => `  ${decision}`),
  ];
  return fitLines(lines, width);
}

const METRIC_WIDTH = 21;

/** One line for each metric whose evidence is collected. */
function verdictLines({ verdicts }: RolloutSnapshot): string[] {
  if (verdicts.length === 0) return [];
  const line = (verdict: VerdictSnapshot): string =>
    `  ${verdict.metric.padEnd(METRIC_WIDTH)}${verdictBar(verdict)}  ${verdictText(verdict)}`;
  return [...verdicts.map(line), ""];
}

function copyLine(name: string, copy: CopySnapshot): string {
  const cells = [
    name.padEnd(8),
    (copy.desired === 0 ? "-" : copy.version).padEnd(8),
    `${copy.ready}/${copy.desired}`.padEnd(7),
    number(copy.requestsPerSecond, "").padStart(10),
    number(copy.successPercent, "%").padStart(10),
    number(copy.p99Ms, " ms").padStart(9),
  ];
  return `  ${cells.join(" ")}`;
}

/** One line for logs: the same facts as the frame. */
export function renderLine(frame: Frame): string {
  const { snapshot, load } = frame;
  const copies = [
    ["primary", snapshot.primary],
    ["canary", snapshot.canary],
  ] as const;
  const parts = copies.map(
    ([name, copy]) =>
      `${name} ${copy.ready}/${copy.desired} ready success ${number(copy.successPercent, "%")} p99 ${number(copy.p99Ms, "ms")}`,
  );
  return [
    seconds(frame.elapsedMs).padStart(7),
    snapshot.phase,
    `weight ${percent(snapshot.weightPercent).trim()} served ${percent(snapshot.servedPercent).trim()}`,
    ...parts,
    ...(snapshot.capacity === undefined ? [] : [trafficPart(snapshot), ...capacityParts(snapshot.capacity)]),
    // A line comes with a change, and the figures are those of the look before it.
    ...snapshot.verdicts.map(
      (verdict, index) => `${index === 0 ? "last look: " : ""}${verdict.metric} ${verdictText(verdict)}`,
    ),
    ...(snapshot.verdicts.length > 0 ? [] : [`failed checks ${snapshot.failedChecks}/${snapshot.threshold}`]),
    `clients ${load.total} requests ${load.failed} failed${snapshot.capacity === undefined ? "" : ` ${load.late} late`}`,
  ].join(" | ");
}

/** Tells whether two frames differ in a way that is worth a line: not in rates, which never stand still. */
export function isNews(before: Frame | undefined, after: Frame): boolean {
  if (before === undefined) return true;
  const [a, b] = [before.snapshot, after.snapshot];
  return (
    a.phase !== b.phase ||
    a.weightPercent !== b.weightPercent ||
    a.failedChecks !== b.failedChecks ||
    a.primary.ready !== b.primary.ready ||
    a.canary.ready !== b.canary.ready ||
    a.primary.version !== b.primary.version ||
    needsOf(a.capacity) !== needsOf(b.capacity)
  );
}

/** What is news of capacity: whole pods. The fractions behind them never stand still. */
function needsOf(capacity: CapacitySnapshot | undefined): string {
  return capacity === undefined ? "" : capacityParts(capacity).join();
}

function capacityParts({ primary, canary }: CapacitySnapshot): string[] {
  const part = (name: string, { need, next, floor }: CopyNeed): string =>
    `${name} needs ${count(need)} next ${count(next)} floor ${count(floor)}`;
  return [part("primary", primary), part("canary", canary)];
}

function trafficPart({ primary, canary }: RolloutSnapshot): string {
  return `requests/s primary ${number(primary.requestsPerSecond, "")} canary ${number(canary.requestsPerSecond, "")}`;
}

/** A number of pods. */
export function count(value: number | undefined): string {
  return value === undefined ? "-" : String(value);
}

/** Cuts lines that are too long. */
export function fitLines(lines: readonly string[], width: number): string[] {
  return lines.map((line) => (line.length > width ? `${line.slice(0, width - 1)}…` : line));
}

export function bar(value: number): string {
  const filled = Math.round((Math.min(100, Math.max(0, value)) / 100) * BAR_WIDTH);
  return "█".repeat(filled) + "░".repeat(BAR_WIDTH - filled);
}

export function percent(value: number | undefined): string {
  return value === undefined ? "   -" : `${String(Math.round(value)).padStart(3)}%`;
}

export function number(value: number | undefined, unit: string): string {
  if (value === undefined) return "-";
  return `${value >= 100 ? value.toFixed(0) : value.toFixed(1)}${unit}`;
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)}s`;
}

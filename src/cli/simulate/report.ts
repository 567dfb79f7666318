import { formatDuration } from "#base";
import type { Encounter } from "#simulator";
import type { CaseFigures, Estimate, Quantiles } from "./figures.ts";
import type { Held } from "./requirements.ts";

/** Everything that a rehearsal is told with. */
export interface Report {
  /** `namespace/name` of the Canary, and how it judges. */
  readonly title: string;
  readonly notes: readonly string[];
  /** What went wrong around the releases, as it was asked for. */
  readonly environment?: readonly string[];
  readonly cases: readonly CaseFigures[];
  readonly horizonMs: number;
  readonly held: readonly Held[];
}

/** The report as lines for people. */
export function reportLines({ title, notes, environment = [], cases, horizonMs, held }: Report): string[] {
  const head = [
    "release",
    "rolled back (95% limits)",
    "after: median, p90",
    "bad requests: median, p90",
    `bad in ${formatDuration(horizonMs)}`,
    "promoted after: median, p90",
  ];
  const rows = cases.map((figures) => [
    figures.isHealthy ? "healthy" : figures.name,
    estimateText(figures.rolledBack),
    quantilesText(figures.timeToRollback, formatDuration),
    figures.isHealthy ? "-" : quantilesText(figures.badUntilRollback, countText),
    figures.isHealthy ? "-" : countText(figures.badMean),
    quantilesText(figures.timeToPromote, formatDuration),
  ]);
  const undecided = cases
    .filter(({ undecidedCount }) => undecidedCount > 0)
    .map(
      ({ name, undecidedCount, runCount }) =>
        `${undecidedCount} of ${runCount} runs of ${name} had no verdict after ${formatDuration(horizonMs)}.`,
    );
  return [
    title,
    ...(environment.length === 0 ? [] : [`  environment of every release: ${environment.join("; ")}`]),
    ...notes.map((note) => `  note: ${note}`),
    "",
    ...columns([head, ...rows]),
    "",
    "Rolled back is wrong for the healthy release and right for every other.",
    ...undecided,
    ...encounterLines(cases),
    ...held.map(
      ({ text, caseName, shown, isMet }) => `${isMet ? "met    " : "NOT MET"} ${text}: ${shown} (${caseName})`,
    ),
  ];
}

/** What the environment came to: the mean of all kinds of releases, and those that were lost in it. */
function encounterLines(cases: readonly CaseFigures[]): string[] {
  const met = cases.flatMap(({ encounter, runCount }) => (encounter === undefined ? [] : [{ ...encounter, runCount }]));
  if (met.length === 0) return [];
  const mean = (read: (encounter: Encounter) => number): number =>
    met.reduce((sum, encounter) => sum + read(encounter), 0) / met.length;
  const shown = (read: (encounter: Encounter) => number): string => mean(read).toFixed(1);
  const lostCount = met.reduce((sum, encounter) => sum + encounter.lostCount, 0);
  const runCount = met.reduce((sum, one) => sum + one.runCount, 0);
  const first = formatDuration(Math.round(mean(({ firstRequestMsMean }) => firstRequestMsMean) / 1000) * 1000);
  return [
    `A release met ${shown(({ crashMean }) => crashMean)} crashes, ${shown(({ refusedWriteMean }) => refusedWriteMean)} refused writes and ${shown(({ blindLookMean }) => blindLookMean)} looks without metrics; its canary's first request came after ${first}.`,
    `Lost (a verdict, but no end within an hour): ${lostCount} of ${runCount} releases.`,
  ];
}

/** The report for programs: times in seconds, shares from 0 to 1. `origin`: what was judged. */
export function reportJson(
  { cases, horizonMs, held, notes }: Report,
  origin: Readonly<Record<string, unknown>>,
): string {
  const result = {
    ...origin,
    horizonSeconds: horizonMs / 1000,
    notes,
    cases: cases.map(jsonCase),
    requirements: held,
    met: held.every(({ isMet }) => isMet),
  };
  return `${JSON.stringify(result, undefined, 2)}\n`;
}

function jsonCase(figures: CaseFigures): object {
  const seconds = (quantiles: CaseFigures["timeToRollback"]): object | null =>
    quantiles === undefined ? null : { median: quantiles.median / 1000, p90: quantiles.p90 / 1000 };
  return {
    name: figures.name,
    isHealthy: figures.isHealthy,
    rolledBack: figures.rolledBack,
    promoted: figures.promoted,
    undecided: figures.undecidedCount,
    rollbackSeconds: seconds(figures.timeToRollback),
    promotionSeconds: seconds(figures.timeToPromote),
    badRequestsUntilRollback: figures.badUntilRollback ?? null,
    badRequestsMean: figures.badMean,
    ...(figures.encounter === undefined ? {} : { environment: jsonEncounter(figures.encounter) }),
  };
}

function jsonEncounter(encounter: Encounter): object {
  return {
    crashes: encounter.crashMean,
    refusedWrites: encounter.refusedWriteMean,
    looksWithoutMetrics: encounter.blindLookMean,
    firstRequestSeconds: encounter.firstRequestMsMean / 1000,
    lost: encounter.lostCount,
  };
}

/** Rows as lines whose cells stand below each other. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

function estimateText({ share, low, high }: Estimate): string {
  return `${percent(share)} (${percent(low)} to ${percent(high)})`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)}%`;
}

function quantilesText(quantiles: Quantiles | undefined, show: (value: number) => string): string {
  return quantiles === undefined ? "-" : `${show(quantiles.median)}, ${show(quantiles.p90)}`;
}

function countText(count: number): string {
  return count < 10 ? count.toFixed(1) : String(Math.round(count));
}

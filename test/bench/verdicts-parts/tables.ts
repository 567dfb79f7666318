import { limitsOf } from "#simulator";
import type { CellResult } from "./run-cell.ts";

/** A table as Markdown, which is also good to read in a terminal. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** Share of the runs that were rolled back, in percent. */
export function rollbackText(result: CellResult | undefined): string {
  if (result === undefined) return "-";
  const { rolledBackCount, runCount } = result.tally;
  return percentText(rolledBackCount / runCount);
}

/** The same with its exact 95 % limits. */
export function rollbackWithLimits(result: CellResult | undefined): string {
  if (result === undefined) return "-";
  const { rolledBackCount, runCount } = result.tally;
  const { low, high } = limitsOf(rolledBackCount, runCount);
  return `${percentText(rolledBackCount / runCount)} (${percentText(low)} to ${percentText(high)})`;
}

/** Rolled back, median seconds, median bad requests until then. */
export function regressionText(result: CellResult | undefined): string {
  if (result === undefined) return "-";
  const { rollback } = result.tally;
  const rest = rollback === undefined ? "" : `, ${seconds(rollback.medianMs)} s, ${countText(rollback.medianBad)}`;
  return `${rollbackText(result)}${rest}`;
}

export function promotionText(result: CellResult | undefined): string {
  const median = result?.tally.promotion?.medianMs;
  return median === undefined ? "-" : seconds(median);
}

/** How many times fewer bad requests: `a` over `b`. */
export function timesText(a: number | undefined, b: number | undefined): string {
  if (a === undefined || b === undefined || b <= 0) return "-";
  return `${countText(a / b)}x`;
}

export function countText(count: number): string {
  return count < 10 ? count.toFixed(1) : String(Math.round(count));
}

function percentText(share: number): string {
  const percent = 100 * share;
  return `${percent > 0 && percent < 1 ? percent.toFixed(2) : percent.toFixed(percent < 10 ? 1 : 0)}%`;
}

function seconds(ms: number): string {
  return String(Math.round(ms / 1000));
}

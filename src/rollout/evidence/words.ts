import { formatDuration } from "#base";
import type { ArmCounts } from "#stats";
import { REQUEST_DURATION, SUCCESS_RATE } from "../judge-metric.ts";
import type { Counted, Standing } from "./standing.ts";

/** Numbers and names for people who know their service and no statistics. */

/** `5.2%`, `0.31%`, `0.012%`: two digits tell what matters. */
export function percentText(rate: number): string {
  const percent = rate * 100;
  if (percent >= 10) return `${Number(percent.toFixed(0))}%`;
  return `${Number(percent.toPrecision(2))}%`;
}

/** `0.17 points`: a difference of percentages. */
export function pointsText(rate: number): string {
  const points = Number((rate * 100).toPrecision(2));
  return `${points} ${points === 1 ? "point" : "points"}`;
}

/** `4,500`. */
export function countText(count: number): string {
  return String(Math.round(count)).replaceAll(/\B(?=(\d{3})+$)/g, ",");
}

const MOST_CHANCES = 1_000_000;

/** `fewer than 1 of 4,000 healthy releases`: one over the evidence, rounded to what is safe to say. */
export function chanceText(chanceCount: number): string {
  if (chanceCount >= MOST_CHANCES) return "fewer than 1 of a million healthy releases";
  const digits = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, chanceCount))) - 1);
  return `fewer than 1 of ${countText(Math.floor(chanceCount / digits) * digits)} healthy releases`;
}

/** What is counted: `errors`, `requests slower than 500ms`, `bad events of checkout`. */
export function whatText({ metric }: Standing, boundMs: number | undefined): string {
  if (metric.name === SUCCESS_RATE) return "errors";
  if (boundMs !== undefined) return `requests slower than ${formatDuration(boundMs)}`;
  if (metric.name === REQUEST_DURATION) return "slow requests";
  return metric.kind === "scalar" ? metric.name : `bad events of ${metric.name}`;
}

/** `errors of the canary are 5.2% against 0.3% of the primary in the same minutes (26 of 500 against 14 of 4,500 requests)`. */
export function comparisonText(standing: Standing, counted: Counted): string {
  const { canary, primary } = counted.summary.rates;
  const rates = `${percentText(rateOf(canary))} against ${percentText(rateOf(primary))} of the primary in the same minutes`;
  const counts = `${countText(canary.bad)} of ${countText(canary.total)} against ${countText(primary.bad)} of ${countText(primary.total)} requests`;
  return `${whatText(standing, counted.boundMs)} of the canary are ${rates} (${counts})`;
}

/** The same for a metric that is a number. */
export function scalarText({ metric }: Standing): string {
  if (metric.kind !== "scalar") return "";
  const { rule, worseCount, blockCount } = metric;
  return `${metric.name} of the canary was ${rule.worse} than tolerated in ${worseCount} of ${blockCount} comparisons with the primary`;
}

/** What there is against the canary, for the metric that says most. */
export function evidenceText(standing: Standing): string {
  return standing.worst === undefined ? scalarText(standing) : comparisonText(standing, standing.worst);
}

export function rateOf({ total, bad }: ArmCounts): number {
  return total > 0 ? bad / total : 0;
}

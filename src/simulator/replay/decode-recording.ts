import { err, isObject, ok, type Result } from "#base";
import type { MetricHistory, MetricSamples, Samples, ScalarRule } from "#rollout";
import type { ArmCounts, LatencyHistogram } from "#stats";

/** A line of a recording: the samples of an interval, which end at `untilMs` since the Unix epoch. */
export type RecordedTick = Samples & { readonly untilMs: number };

/** As many ticks as a week of ten seconds has. */
const TICKS_MAX = 60_480;
const METRICS_MAX = 50;
const BOUNDS_MAX = 200;
const NAME_MAX = 253;

/**
 * Reads a recording: JSON lines, each the `Samples` of one tick as `serin` asks for them, in the order of time. The first may hold
 * the primary's history. Empty lines are skipped; an error names its line and what to change.
 */
export function decodeRecording(text: string): Result<readonly RecordedTick[], string> {
  const ticks: RecordedTick[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    if (ticks.length >= TICKS_MAX) return err(`it has more than ${TICKS_MAX} ticks; cut it`);
    const tick = decodeLine(line);
    if (!tick.ok) return err(`line ${index + 1}: ${tick.error}`);
    const before = ticks.at(-1);
    if (before !== undefined && tick.value.untilMs <= before.untilMs)
      return err(`line ${index + 1}: untilMs is not later than on the line before; sort the lines by it`);
    ticks.push(tick.value);
  }
  if (ticks.length < 2) return err("it has fewer than two ticks, so there is no interval to judge");
  return ok(ticks);
}

function decodeLine(line: string): Result<RecordedTick, string> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return err("is not JSON");
  }
  if (!isObject(value)) return err("is not an object");
  const { untilMs, metrics, history } = value;
  if (!isCount(untilMs)) return err(`untilMs must be a time in milliseconds, received ${JSON.stringify(untilMs)}`);
  const samples = decodeList(metrics, "metrics", decodeMetric);
  if (!samples.ok) return samples;
  if (history === undefined) return ok({ untilMs, metrics: samples.value });
  const past = decodeList(history, "history", decodeHistory);
  return past.ok ? ok({ untilMs, metrics: samples.value, history: past.value }) : past;
}

function decodeList<T>(
  value: unknown,
  field: string,
  decode: (item: Readonly<Record<string, unknown>>, name: string) => T | string,
): Result<T[], string> {
  if (!Array.isArray(value) || value.length > METRICS_MAX)
    return err(`${field} must be a list of at most ${METRICS_MAX}`);
  const items: T[] = [];
  for (const item of value) {
    if (!isObject(item) || typeof item["name"] !== "string" || item["name"].length > NAME_MAX)
      return err(`each of ${field} must be an object with a name`);
    const decoded = decode(item, item["name"]);
    if (typeof decoded === "string") return err(`${field} "${item["name"]}": ${decoded}`);
    items.push(decoded);
  }
  return ok(items);
}

function decodeMetric(item: Readonly<Record<string, unknown>>, name: string): MetricSamples | string {
  switch (item["kind"]) {
    case "counts": {
      const arms = isObject(item["arms"]) ? item["arms"] : {};
      const [canary, primary] = [countsOf(arms["canary"]), countsOf(arms["primary"])];
      if (canary === undefined || primary === undefined)
        return "arms must have canary and primary, each with total and bad, bad not above total";
      return { name, kind: "counts", arms: { canary, primary } };
    }
    case "latency": {
      const [canary, primary] = [histogramOf(item["canary"]), histogramOf(item["primary"])];
      if (canary === undefined || primary === undefined || canary.boundsMs.join() !== primary.boundsMs.join())
        return "canary and primary must each have rising boundsMs (the same), above of as many falling counts, and total";
      return { name, kind: "latency", canary, primary };
    }
    case "scalar": {
      const { canary, primary } = item;
      const rule = ruleOf(item["rule"]);
      if (typeof canary !== "number" || typeof primary !== "number" || rule === undefined)
        return 'canary and primary must be numbers, and rule must have worse ("higher" or "lower"), scale ("ratio" or "difference") and margin';
      return { name, kind: "scalar", canary, primary, rule };
    }
    case "missing": {
      const message = typeof item["message"] === "string" ? item["message"] : "it was not recorded";
      return { name, kind: "missing", reason: "unreachable", message };
    }
    default:
      return `kind must be counts, latency, scalar or missing, received ${JSON.stringify(item["kind"])}`;
  }
}

function decodeHistory(item: Readonly<Record<string, unknown>>, name: string): MetricHistory | string {
  const { dispersions, histogram, counts, blockTicks } = item;
  const past = { histogram: histogramOf(histogram), counts: countsOf(counts), dispersions: numbersOf(dispersions) };
  if (histogram !== undefined && past.histogram === undefined)
    return "histogram must have rising boundsMs, above of as many falling counts, and total";
  if (counts !== undefined && past.counts === undefined) return "counts must have total and bad";
  if (dispersions !== undefined && (past.dispersions === undefined || past.dispersions.some((value) => value < 1)))
    return "dispersions must be numbers of 1 or more";
  return {
    name,
    ...(past.dispersions === undefined ? {} : { dispersions: past.dispersions }),
    ...(past.histogram === undefined ? {} : { histogram: past.histogram }),
    ...(past.counts === undefined ? {} : { counts: past.counts }),
    ...(typeof blockTicks === "number" && blockTicks >= 1 ? { blockTicks } : {}),
  };
}

function countsOf(value: unknown): ArmCounts | undefined {
  if (!isObject(value)) return undefined;
  const { total, bad } = value;
  return isCount(total) && isCount(bad) && bad <= total ? { total, bad } : undefined;
}

function histogramOf(value: unknown): LatencyHistogram | undefined {
  if (!isObject(value)) return undefined;
  const [boundsMs, above, total] = [numbersOf(value["boundsMs"]), numbersOf(value["above"]), value["total"]];
  if (boundsMs === undefined || above === undefined || !isCount(total)) return undefined;
  if (boundsMs.length === 0 || boundsMs.length !== above.length) return undefined;
  const rises = boundsMs.every((bound, index) => bound > (boundsMs[index - 1] ?? 0));
  const falls = above.every((count, index) => isCount(count) && count <= (above[index - 1] ?? total));
  return rises && falls ? { boundsMs, above, total } : undefined;
}

function ruleOf(value: unknown): ScalarRule | undefined {
  if (!isObject(value)) return undefined;
  const { worse, scale, margin } = value;
  if (worse !== "higher" && worse !== "lower") return undefined;
  if ((scale !== "ratio" && scale !== "difference") || typeof margin !== "number") return undefined;
  return { worse, scale, margin };
}

function numbersOf(value: unknown): number[] | undefined {
  if (!Array.isArray(value) || value.length > BOUNDS_MAX) return undefined;
  const numbers = value.filter((item): item is number => typeof item === "number" && Number.isFinite(item));
  return numbers.length === value.length ? numbers : undefined;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

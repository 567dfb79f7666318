import { isObject } from "#base";
import type { Arms, CountEvidence, CountSummary } from "#stats";
import { rememberWritten } from "./known-runs.ts";
import type { CountsTrial, LatencyTrial, MetricRun, Run, Watch } from "./run.ts";

/** Decimals of what is no whole number: far below what a decision depends on, and half the size. */
const UNITS = 1e9;

/**
 * The run as the status keeps it; {@link readRun} gives the same. Every look reads it from there, so rounding is part of it.
 *
 * A run that goes on from one that was read (`isContinued`) is remembered, so that the next look need not read it again.
 */
export function writeRun(
  run: Run,
  { isContinued }: { readonly isContinued: boolean },
): Readonly<Record<string, unknown>> {
  const writer = new Writer();
  const written = writer.run(run);
  if (isContinued && writer.isFinite) rememberWritten(written);
  return isObject(written) ? written : {};
}

/** Rounds a run, field by field where it is large: what changes at each look is a few hundred numbers. Parts that stay are not copied. */
class Writer {
  #sum = 0;

  /** Whether all numbers were: JSON has no others, and reads none. */
  get isFinite(): boolean {
    return Number.isFinite(this.#sum);
  }

  run({ metrics, ...rest }: Run): Run {
    return { ...this.#any(rest), metrics: metrics.map((metric) => this.#metric(metric)) };
  }

  #metric(metric: MetricRun): MetricRun {
    if (metric.kind === "counts") return this.#counts(metric);
    return metric.kind === "latency" ? this.#latency(metric) : this.#any(metric);
  }

  #counts(metric: MetricRun & CountsTrial): MetricRun {
    const { weight, missing, dispersion, pastRate, evidence, summary, watch } = metric;
    const written = {
      ...metric,
      weight: this.#number(weight),
      missing: this.#number(missing),
      dispersion: this.#number(dispersion),
      evidence: this.#evidence(evidence),
      summary: this.#summary(summary),
      watch: this.#watch(watch),
    };
    return pastRate === undefined ? written : { ...written, pastRate: this.#number(pastRate) };
  }

  #latency(metric: MetricRun & LatencyTrial): MetricRun {
    const { weight, missing, past, dispersions, evidence, summaries, watch } = metric;
    return {
      ...metric,
      weight: this.#number(weight),
      missing: this.#number(missing),
      past: this.#any(past),
      dispersions: this.#numbers(dispersions),
      evidence: evidence.map((one) => this.#evidence(one)),
      summaries: summaries.map((one) => this.#summary(one)),
      watch: this.#watch(watch),
    };
  }

  #evidence({ worse, excess, stepExcess }: CountEvidence): CountEvidence {
    return {
      worse: { ticks: this.#number(worse.ticks), logs: this.#numbers(worse.logs) },
      excess: this.#linear(excess),
      stepExcess: this.#linear(stepExcess),
    };
  }

  #summary({ rates, difference }: CountSummary): CountSummary {
    return {
      rates: {
        canary: this.#arm(rates.canary),
        primary: this.#arm(rates.primary),
        canaryCross: this.#number(rates.canaryCross),
        primaryCross: this.#number(rates.primaryCross),
        weight: this.#number(rates.weight),
      },
      difference: { above: this.#linear(difference.above), below: this.#linear(difference.below) },
    };
  }

  #watch({ settled, recent }: Watch): Watch {
    return { settled: this.#arms(settled), recent: this.#arms(recent) };
  }

  #arms({ canary, primary }: Arms): Arms {
    return { canary: this.#arm(canary), primary: this.#arm(primary) };
  }

  #arm({ total, bad }: Arms["canary"]): Arms["canary"] {
    return { total: this.#number(total), bad: this.#number(bad) };
  }

  #linear({ bases, slopes }: CountEvidence["excess"]): CountEvidence["excess"] {
    return { bases: this.#numbers(bases), slopes: this.#numbers(slopes) };
  }

  /** The list itself when nothing of it changes. */
  #numbers(values: readonly number[]): readonly number[] {
    let written: number[] | undefined;
    for (let index = 0; index < values.length; index++) {
      const value = values[index] ?? Number.NaN;
      const rounded = this.#number(value);
      if (rounded === value) continue;
      written ??= values.slice();
      written[index] = rounded;
    }
    return written ?? values;
  }

  #number(value: number): number {
    this.#sum += value;
    return Number.isInteger(value) ? value : Math.round(value * UNITS) / UNITS;
  }

  /** What is small, or hardly ever there; a list or an object itself when nothing of it changes. */
  #any<T>(value: T): T {
    if (typeof value === "number") return this.#number(value) as T;
    if (Array.isArray(value)) {
      const items: unknown[] = value.map((item: unknown) => this.#any(item));
      return items.every((item, index) => item === value[index]) ? value : (items as T);
    }
    if (!isObject(value)) return value;
    const fields: Record<string, unknown> = {};
    let isSame = true;
    for (const key of Object.keys(value)) {
      const field = this.#any(value[key]);
      if (field !== undefined) fields[key] = field;
      isSame &&= field !== undefined && field === value[key];
    }
    return isSame ? value : (fields as T);
  }
}

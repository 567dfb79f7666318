import { Failure } from "#base";
import { evaluateInstant, parsePromql, type Queryable, type VectorElement } from "#promql";

/** Source: the range of `rate` in the rules that prometheus-adapter is usually given. */
export const RATE_WINDOW_MS = 120_000;

/** The series of a metric, with what their values were measured over. */
export interface FoundMetric {
  readonly elements: readonly VectorElement[];
  readonly windowMs?: number;
}

export interface FindOptions {
  readonly queryable: Queryable;
  readonly nowMs: number;
  /** PromQL matchers that the series must satisfy, comma separated; may be empty. */
  readonly matchers: string;
}

/**
 * Finds what a name of the metrics APIs means: the series of that name as they are or, when there are none, the counter of
 * that name with `_total`, as its rate a second. Undefined when there is neither.
 *
 * Source: prometheus-adapter's default rules.
 */
export function findMetric(name: string, options: FindOptions): FoundMetric | undefined {
  const { matchers } = options;
  const selector = (series: string): string =>
    `{${[`__name__=${JSON.stringify(series)}`, ...(matchers === "" ? [] : [matchers])].join(",")}}`;
  // A counter's own name is not served: its value grows for ever and says nothing about the load.
  const elements = name.endsWith(COUNTER_SUFFIX) ? [] : evaluate(selector(name), options);
  if (elements.length > 0) return { elements };
  const counter = selector(`${name}${COUNTER_SUFFIX}`);
  if (evaluate(counter, options).length === 0) return undefined;
  const rates = evaluate(`rate(${counter}[${RATE_WINDOW_MS / 1000}s])`, options);
  return { elements: rates, windowMs: RATE_WINDOW_MS };
}

const COUNTER_SUFFIX = "_total";

function evaluate(query: string, { queryable, nowMs }: FindOptions): readonly VectorElement[] {
  const parsed = parsePromql(query);
  const result = parsed.ok ? evaluateInstant(parsed.value, queryable, { timeMs: nowMs }) : parsed;
  if (!result.ok) throw new Failure(`Cannot evaluate ${query}: ${result.error.message}`, { code: "QueryFailed" });
  return result.value.value.type === "vector" ? result.value.value.elements : [];
}

/** The name under which the metrics APIs serve a series. */
export function servedName(series: string): string {
  return series.endsWith(COUNTER_SUFFIX) ? series.slice(0, -COUNTER_SUFFIX.length) : series;
}

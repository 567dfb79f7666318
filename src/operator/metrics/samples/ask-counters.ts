import { canonicalJson, err, ok, type Result } from "#base";
import type { LabelMatcher } from "#promql";
import type { MeasureContext } from "../measure-context.ts";
import { callPrometheus, type PrometheusTarget } from "../prometheus-client.ts";
import { type CounterMetric, type CounterSelector, matches } from "./counter-metric.ts";
import { coverSelectors, rangeQuery } from "./cover-selectors.ts";
import type { CountedMetric } from "./interval-samples.ts";
import type { Missing } from "./missing-samples.ts";
import { FEWER_SERIES, type RawSeries, readMatrix } from "./raw-series.ts";

/** A metric to be counted, and the server that has its counters. */
export interface CounterQuestion {
  readonly metric: CounterMetric;
  /** What is counted instead when nobody has series of the first. */
  readonly otherwise?: CounterMetric;
  readonly target: PrometheusTarget;
  /** The same for all metrics that one query can answer: address and login. Never to be shown. */
  readonly server: string;
  readonly owner: string;
}

/** Raw samples of a hundred pods over a quarter of an hour. */
export const MATRIX_BYTES_MAX = 16 * 1024 * 1024;

/** Asks for the raw counters of all metrics, with as few queries as their selectors allow; never rejects. */
export async function askCounters(
  questions: readonly CounterQuestion[],
  windowMs: number,
  context: Pick<MeasureContext, "signal">,
): Promise<readonly CountedMetric[]> {
  const first = await askServers(questions, windowMs, context);
  // Metrics of one request are counted on one side, so that they are of the same requests.
  const isSeen = first.some((counted, index) => questions[index]?.otherwise !== undefined && hasSeries(counted));
  if (isSeen) return first;
  const again = questions.flatMap((question) =>
    question.otherwise === undefined ? [] : [{ ...question, metric: question.otherwise }],
  );
  const second = await askServers(again, windowMs, context);
  return first.map((counted) => second.find(({ metric }) => metric.name === counted.metric.name) ?? counted);
}

function hasSeries({ metric, raw }: CountedMetric): boolean {
  // Whoever does not answer now has no second question to answer.
  if (!raw.ok) return true;
  const tests = metric.selectors.map(({ matchers }) => matches(matchers));
  return raw.value.some(({ labels }) => tests.some((test) => test(labels)));
}

interface Group {
  readonly server: string;
  readonly target: PrometheusTarget;
  readonly selectors: readonly CounterSelector[];
  readonly cover: readonly LabelMatcher[];
}

async function askServers(
  questions: readonly CounterQuestion[],
  windowMs: number,
  context: Pick<MeasureContext, "signal">,
): Promise<readonly CountedMetric[]> {
  const groups = grouped(questions);
  const answers = await Promise.all(
    groups.map(async (group) => {
      const query = rangeQuery(group.cover, windowMs);
      return { group, query, raw: await askMatrix(group.target, query, context) };
    }),
  );
  return questions.map(({ metric, owner, server }) => {
    const own = answers.filter(
      ({ group }) => group.server === server && group.selectors.some((one) => metric.selectors.includes(one)),
    );
    const query = own.map((answer) => answer.query).join("; ");
    return { metric, owner, query, raw: joined(own.map(({ raw }) => raw)) };
  });
}

/** Selectors that one selector can cover go together. */
function grouped(questions: readonly CounterQuestion[]): readonly Group[] {
  const groups: Group[] = [];
  for (const { metric, server, target } of questions) {
    for (const selector of metric.selectors) {
      const index = groups.findIndex(
        (group) => group.server === server && coverSelectors([...group.selectors, selector]) !== undefined,
      );
      const selectors = [...(groups[index]?.selectors ?? []), selector];
      const group = { server, target, selectors, cover: coverSelectors(selectors) ?? selector.matchers };
      if (index === -1) groups.push(group);
      else groups[index] = group;
    }
  }
  return groups;
}

/** A series that two queries gave is one. */
function joined(raws: readonly Result<readonly RawSeries[], Missing>[]): Result<readonly RawSeries[], Missing> {
  const [only] = raws;
  if (raws.length === 1 && only !== undefined) return only;
  const all: RawSeries[] = [];
  const seen = new Set<string>();
  for (const raw of raws) {
    if (!raw.ok) return raw;
    const keys = raw.value.map(({ labels }) => canonicalJson(labels));
    raw.value.forEach((series, index) => {
      if (!seen.has(keys[index] ?? "")) all.push(series);
    });
    for (const key of keys) seen.add(key);
  }
  return ok(all);
}

async function askMatrix(
  target: PrometheusTarget,
  query: string,
  { signal }: Pick<MeasureContext, "signal">,
): Promise<Result<readonly RawSeries[], Missing>> {
  const call = {
    endpoint: "query",
    parameters: { query },
    maxBytes: MATRIX_BYTES_MAX,
    ifTooLarge: FEWER_SERIES,
  } as const;
  const data = await callPrometheus(target, call, signal);
  if (data.kind !== "data") return err({ reason: data.kind, message: data.message });
  const raw = readMatrix(data);
  return raw.ok ? raw : err({ reason: "invalid", message: raw.error });
}

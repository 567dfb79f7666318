import type { Call, Expr } from "./ast.ts";
import { type Bucket, bucketFraction, bucketQuantile } from "./classic-histogram.ts";
import { EvaluationFault, type GridSeries, joinSeries, newGridSeries } from "./evaluation.ts";
import { dropLabels, isLabelName, type Labels, labelValue, METRIC_NAME, withLabels } from "./labels.ts";
import { formatOpenMetricsFloat } from "./number-format.ts";
import { quote } from "./quoting.ts";
import { argument, evaluateScalar, evaluateString, evaluateVector, type Scope, warnQuantile } from "./scope.ts";

/** Functions of histograms. Those on native histograms find none here and yield nothing. */
export const histogramFunctions: ReadonlySet<string> = new Set([
  "histogram_avg",
  "histogram_count",
  "histogram_fraction",
  "histogram_quantile",
  "histogram_quantiles",
  "histogram_stddev",
  "histogram_stdvar",
  "histogram_sum",
]);

export function callHistogramFunction(scope: Scope, call: Call): readonly GridSeries[] {
  switch (call.func) {
    case "histogram_quantile": {
      const phi = argument(call, 0);
      return quantiles(scope, { vector: argument(call, 1), phis: [phi], labelOf: () => undefined });
    }
    case "histogram_quantiles": {
      const name = evaluateString(scope, argument(call, 1));
      if (!isLabelName(name)) throw new EvaluationFault(`invalid label name ${quote(name)}`);
      return quantiles(scope, {
        vector: argument(call, 0),
        phis: call.args.slice(2),
        labelOf: (phi) => [name, formatOpenMetricsFloat(phi)],
      });
    }
    case "histogram_fraction":
      return fraction(scope, call);
    default:
      evaluateVector(scope, argument(call, 0));
      return [];
  }
}

/** The buckets of one classic histogram, sorted by bound. */
interface HistogramGroup {
  /** The labels of the buckets without `le` and the name. */
  readonly labels: Labels;
  readonly name: string;
  readonly buckets: readonly { readonly upperBound: number; readonly series: GridSeries }[];
}

function groupBuckets(scope: Scope, vector: readonly GridSeries[], where: Expr["where"]): readonly HistogramGroup[] {
  const groups = new Map<
    string,
    { labels: Labels; name: string; buckets: { upperBound: number; series: GridSeries }[] }
  >();
  for (const series of vector) {
    const bound = labelValue(series.labels, "le");
    const name = labelValue(series.labels, METRIC_NAME);
    const upperBound = parseBound(bound);
    if (upperBound === undefined) {
      const shown = name === "" ? "" : ` for metric name ${quote(name)}`;
      scope.evaluation.warn(`bucket label "le" is missing or has a malformed value of ${quote(bound)}${shown}`, where);
      continue;
    }
    // Histograms of two names in one vector stay apart until their results meet, which is then an error.
    const identity = dropLabels(series.labels, ["le"]).key;
    const group = groups.get(identity) ?? { labels: dropLabels(series.labels, ["le", METRIC_NAME]), name, buckets: [] };
    group.buckets.push({ upperBound, series });
    groups.set(identity, group);
  }
  for (const { buckets } of groups.values()) buckets.sort((a, b) => a.upperBound - b.upperBound);
  return [...groups.values()];
}

function parseBound(text: string): number | undefined {
  if (/^[+]?inf(inity)?$/i.test(text)) return Number.POSITIVE_INFINITY;
  const bound = text.trim() === "" ? Number.NaN : Number(text);
  return Number.isNaN(bound) ? undefined : bound;
}

function bucketsAt(group: HistogramGroup, step: number): Bucket[] {
  const buckets: Bucket[] = [];
  for (const { upperBound, series } of group.buckets) {
    if (series.present[step] === 1) buckets.push({ upperBound, count: series.values[step] ?? 0 });
  }
  return buckets;
}

interface QuantilesCall {
  readonly vector: Expr;
  readonly phis: readonly Expr[];
  /** The label that tells the quantile, when there can be several. */
  readonly labelOf: (phi: number) => readonly [string, string] | undefined;
}

function quantiles(scope: Scope, { vector, phis, labelOf }: QuantilesCall): readonly GridSeries[] {
  const groups = groupBuckets(scope, evaluateVector(scope, vector), vector.where);
  const result: GridSeries[] = [];
  for (const phiExpr of phis) {
    const phiAt = evaluateScalar(scope, phiExpr);
    const wrong = phiAt.find((phi) => !(phi >= 0 && phi <= 1));
    if (wrong !== undefined) warnQuantile(scope, wrong, phiExpr.where);
    for (const group of groups) {
      scope.evaluation.spend(scope.grid.count);
      const label = labelOf(phiAt[0] ?? Number.NaN);
      if (label !== undefined && labelValue(group.labels, label[0]) !== "") {
        throw new EvaluationFault(`label ${label[0]} is in the input already; choose another name for the quantile`);
      }
      const out = newGridSeries(label === undefined ? group.labels : withLabels(group.labels, [label]), scope.grid);
      if (fillQuantiles(out, group, phiAt)) hintAtFixedBuckets(scope, group, vector.where);
      result.push(out);
    }
  }
  return joinSeries(result);
}

/** Returns whether any step needed its buckets to be made monotonic. */
function fillQuantiles(out: GridSeries, group: HistogramGroup, phiAt: Float64Array): boolean {
  let isForced = false;
  for (let step = 0; step < phiAt.length; step++) {
    const buckets = bucketsAt(group, step);
    if (buckets.length === 0) continue;
    const { value, isForcedMonotonic } = bucketQuantile(phiAt[step] ?? 0, buckets);
    out.values[step] = value;
    out.present[step] = 1;
    isForced ||= isForcedMonotonic;
  }
  return isForced;
}

function hintAtFixedBuckets(scope: Scope, { name }: HistogramGroup, where: Expr["where"]): void {
  scope.evaluation.info(
    "input to histogram_quantile needed to be fixed for monotonicity " +
      `(see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile) for metric name ${quote(name)}`,
    where,
  );
}

function fraction(scope: Scope, call: Call): readonly GridSeries[] {
  const lower = evaluateScalar(scope, argument(call, 0));
  const upper = evaluateScalar(scope, argument(call, 1));
  const vector = argument(call, 2);
  const groups = groupBuckets(scope, evaluateVector(scope, vector), vector.where);
  return joinSeries(
    groups.map((group) => {
      const out = newGridSeries(group.labels, scope.grid);
      for (let step = 0; step < scope.grid.count; step++) {
        const buckets = bucketsAt(group, step);
        if (buckets.length === 0) continue;
        out.values[step] = bucketFraction(buckets, { lower: lower[step] ?? 0, upper: upper[step] ?? 0 });
        out.present[step] = 1;
      }
      return out;
    }),
  );
}

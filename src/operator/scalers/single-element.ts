import type { Aggregation, Binary, Call, Expr } from "#promql";

/** How many elements a query may give. */
export type Cardinality =
  /** Not a vector: KEDA cannot read it. Source: keda-hpa-spec 15.1. */
  | "scalar"
  /** One or none; `hasLabels` when it may carry labels, so that another one beside it would be a second. */
  | "one"
  | "one-with-labels"
  /** As many as there are series. */
  | "many";

/** Aggregations that keep one element per group, without the labels of what went in. */
const REDUCING = new Set(["avg", "count", "group", "max", "min", "quantile", "stddev", "stdvar", "sum"]);

/** Judges by the expression alone. Two elements are an error for KEDA, whatever they are. Source: keda-hpa-spec 15.1, 20.29. */
export function cardinalityOf(expr: Expr): Cardinality {
  switch (expr.kind) {
    case "number":
    case "string":
      return "scalar";
    case "vectorSelector":
      return "many";
    case "matrixSelector":
      return "many";
    case "subquery":
    case "paren":
    case "unary":
      return cardinalityOf(expr.expr);
    case "aggregation":
      return ofAggregation(expr);
    case "call":
      return ofCall(expr);
    case "binary":
      return ofBinary(expr);
  }
}

function ofAggregation({ op, grouping, param, expr }: Aggregation): Cardinality {
  const isOneGroup = !grouping.without && grouping.labels.length === 0;
  if (REDUCING.has(op)) {
    if (isOneGroup) return "one";
    return cardinalityOf(expr) === "many" ? "many" : "one-with-labels";
  }
  const isTopOne = param?.kind === "number" && param.value === 1 && isOneGroup;
  if ((op === "topk" || op === "bottomk" || op === "limitk") && isTopOne) return "one-with-labels";
  return op === "count_values" || cardinalityOf(expr) === "many" ? "many" : "one-with-labels";
}

function ofCall({ func, args }: Call): Cardinality {
  if (func === "vector") return "one";
  if (func === "absent" || func === "absent_over_time") return "one-with-labels";
  if (func === "scalar") return "scalar";
  if (func === "histogram_quantile" || func === "histogram_fraction") return ofHistogram(args.at(-1));
  const kinds = args.map(cardinalityOf).filter((kind) => kind !== "scalar");
  // `time()`, `pi()` and the like; days and hours without an argument are of the present, and a vector.
  if (kinds.length === 0) return args.length === 0 && !NOW_SCALARS.has(func) ? "one" : "scalar";
  if (kinds.includes("many")) return "many";
  return func.startsWith("label_") ? "one-with-labels" : (kinds[0] ?? "many");
}

const NOW_SCALARS = new Set(["end", "pi", "range", "start", "step", "time"]);

/** Buckets of one histogram are one element. */
function ofHistogram(buckets: Expr | undefined): Cardinality {
  if (buckets === undefined) return "many";
  const inner = buckets.kind === "paren" ? buckets.expr : buckets;
  const isByBucket =
    inner.kind === "aggregation" &&
    REDUCING.has(inner.op) &&
    !inner.grouping.without &&
    inner.grouping.labels.every((label) => label === "le");
  return isByBucket ? "one" : cardinalityOf(inner);
}

function ofBinary({ op, left, right, matching }: Binary): Cardinality {
  const [a, b] = [cardinalityOf(left), cardinalityOf(right)];
  if (op === "or") return a === "one" && b === "one" ? "one" : "many";
  if (op === "and" || op === "unless") return a;
  if (a === "scalar") return b;
  if (b === "scalar") return a;
  if (matching?.cardinality === "many-to-one") return a;
  if (matching?.cardinality === "one-to-many") return b;
  // Matched one to one there are no more pairs than the smaller side has.
  if (a === "one" || b === "one") return "one";
  return a === "many" && b === "many" ? "many" : "one-with-labels";
}

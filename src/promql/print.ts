import { type Binary, type Expr, isSetOperator, type TimeShift, type VectorSelector } from "./ast.ts";
import { METRIC_NAME } from "./labels.ts";
import { formatLabelName, formatMatcher, type LabelMatcher } from "./matcher.ts";
import { formatFloat } from "./number-format.ts";
import { quote } from "./quoting.ts";

/** Writes an expression in Prometheus' canonical form on one line; parsing the text gives the expression back. */
export function printPromql(expr: Expr): string {
  switch (expr.kind) {
    case "number":
      return formatFloat(expr.value);
    case "string":
      return quote(expr.value);
    case "vectorSelector":
      return printSelector(expr) + printShift(expr);
    case "matrixSelector":
      return `${printSelector(expr.selector)}[${printDuration(expr.rangeMs)}]${printShift(expr.selector)}`;
    case "subquery": {
      const step = expr.stepMs === undefined ? "" : printDuration(expr.stepMs);
      return `${printPromql(expr.expr)}[${printDuration(expr.rangeMs)}:${step}]${printShift(expr)}`;
    }
    case "aggregation": {
      const { without, labels } = expr.grouping;
      const grouping = without || labels.length > 0 ? ` ${without ? "without" : "by"} ${printLabels(labels)} ` : "";
      const param = expr.param === undefined ? "" : `${printPromql(expr.param)}, `;
      return `${expr.op}${grouping}(${param}${printPromql(expr.expr)})`;
    }
    case "call":
      return `${expr.func}(${expr.args.map(printPromql).join(", ")})`;
    case "binary":
      return `${printPromql(expr.left)} ${expr.op}${printModifiers(expr)} ${printPromql(expr.right)}`;
    case "unary":
      return `${expr.op}${printPromql(expr.expr)}`;
    case "paren":
      return `(${printPromql(expr.expr)})`;
  }
}

function printSelector({ matchers }: VectorSelector): string {
  const name = matchers.find((matcher) => matcher.name === METRIC_NAME && matcher.op === "=");
  if (name === undefined) return `{${matchers.map(formatMatcher).join(",")}}`;
  const rest = matchers.filter((matcher) => matcher !== name);
  return isBareName(name)
    ? name.value + (rest.length === 0 ? "" : `{${rest.map(formatMatcher).join(",")}}`)
    : `{${[quote(name.value), ...rest.map(formatMatcher)].join(",")}}`;
}

const NOT_A_NAME = new Set(["inf", "nan", "bool", "on", "ignoring", "group_left", "group_right", "offset"]);

function isBareName({ value }: LabelMatcher): boolean {
  return /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(value) && !NOT_A_NAME.has(value.toLowerCase());
}

function printShift({ at, offsetMs }: TimeShift): string {
  const atText = at === undefined ? "" : at.kind === "time" ? ` @ ${(at.timeMs / 1000).toFixed(3)}` : ` @ ${at.kind}()`;
  const sign = offsetMs < 0 ? "-" : "";
  return atText + (offsetMs === 0 ? "" : ` offset ${sign}${printDuration(Math.abs(offsetMs))}`);
}

const UNITS: readonly (readonly [number, string])[] = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "m"],
  [1000, "s"],
  [1, "ms"],
];

/** Writes a duration in the units of PromQL; a fraction of a millisecond, which has none, as seconds. */
function printDuration(ms: number): string {
  if (!Number.isInteger(ms) || ms > Number.MAX_SAFE_INTEGER) return formatFloat(ms / 1000);
  let rest = ms;
  let text = "";
  for (const [unitMs, unit] of UNITS) {
    const count = Math.floor(rest / unitMs);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * unitMs;
  }
  return text === "" ? "0s" : text;
}

function printLabels(labels: readonly string[]): string {
  return `(${labels.map(formatLabelName).join(", ")})`;
}

function printModifiers({ returnsBool, matching, op }: Binary): string {
  const bool = returnsBool ? " bool" : "";
  if (matching === undefined) return bool;
  const isDefault = !matching.on && matching.labels.length === 0;
  if (isSetOperator(op) && isDefault) return bool;
  const sides: Partial<Record<typeof matching.cardinality, string>> = {
    "many-to-one": "group_left",
    "one-to-many": "group_right",
  };
  const side = sides[matching.cardinality];
  const grouped = side === undefined ? "" : ` ${side} ${printLabels(matching.include)}`;
  return `${bool} ${matching.on ? "on" : "ignoring"} ${printLabels(matching.labels)}${grouped}`;
}

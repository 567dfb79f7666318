import {
  compileMatcher,
  type Expr,
  type LabelMatcher,
  METRIC_NAME,
  parsePromql,
  printPromql,
  type VectorSelector,
} from "#promql";

/** The names of one copy, and the name of the other in their place. */
export interface Renaming {
  readonly target: string;
  readonly primary: string;
  /** The Service that clients use; most have the target's name. */
  readonly service: string;
  readonly namespace: string;
}

/** Labels whose values name other things than a workload: both copies have the same. */
const OF_BOTH_COPIES = /^(?:exported_|kubernetes_)?(?:.*namespace|container|container_name|image|cluster|endpoint)$/;

/**
 * A PromQL query with the primary in place of the target; undefined for a text that is no PromQL.
 *
 * The query is parsed, and only label matchers change, of labels that tell workloads apart (not of a metric's name,
 * namespace, container, image or cluster):
 *
 * - `=` with exactly the target's name, or the name and `-canary`, or the host of that in the namespace, as
 *   `NAME.NAMESPACE.svc.cluster.local`;
 * - `=~` in each of its alternatives: the name alone, or the name and then a pattern, as in `NAME.*`, `NAME-.+` and
 *   `NAME-[0-9a-z]+-[0-9a-z]+`. A name that goes on with letters is another name: `NAME-gateway.*` stays.
 *
 * Of labels of Services and hosts the Canary's Service counts like the target. `!=` and `!~` stay, but for those that would
 * leave nothing: a query of the target's pods that leaves the primary's out asks for the primary's when it is rewritten. What
 * changes nothing comes back as it was written.
 */
export function renameMatchers(query: string, renaming: Renaming): string | undefined {
  const parsed = parsePromql(query);
  if (!parsed.ok) return undefined;
  const renamed = mapSelectors(parsed.value, (selector) => renameSelector(selector, renaming));
  return renamed === parsed.value ? query : printPromql(renamed);
}

/** Every selector of an expression. */
function selectorsOf(expr: Expr): VectorSelector[] {
  const found: VectorSelector[] = [];
  mapSelectors(expr, (selector) => {
    found.push(selector);
    return selector;
  });
  return found;
}

function mapSelectors(expr: Expr, map: (selector: VectorSelector) => VectorSelector): Expr {
  const walk = (inner: Expr): Expr => mapSelectors(inner, map);
  switch (expr.kind) {
    case "number":
    case "string":
      return expr;
    case "vectorSelector":
      return map(expr);
    case "matrixSelector": {
      const selector = map(expr.selector);
      return selector === expr.selector ? expr : { ...expr, selector };
    }
    case "binary": {
      const [left, right] = [walk(expr.left), walk(expr.right)];
      return left === expr.left && right === expr.right ? expr : { ...expr, left, right };
    }
    case "call": {
      const args = expr.args.map(walk);
      return args.every((arg, index) => arg === expr.args[index]) ? expr : { ...expr, args };
    }
    case "aggregation": {
      const param = expr.param === undefined ? undefined : walk(expr.param);
      const inner = walk(expr.expr);
      if (inner === expr.expr && param === expr.param) return expr;
      return { ...expr, expr: inner, ...(param === undefined ? {} : { param }) };
    }
    case "subquery":
    case "unary":
    case "paren": {
      const inner = walk(expr.expr);
      return inner === expr.expr ? expr : { ...expr, expr: inner };
    }
  }
}

function renameSelector(selector: VectorSelector, renaming: Renaming): VectorSelector {
  const renamed = selector.matchers.map((matcher) => renameMatcher(matcher, renaming));
  const changed = new Set(renamed.filter((matcher, index) => matcher !== selector.matchers[index]));
  if (changed.size === 0) return selector;
  const labels = new Set([...changed].map(({ name }) => name));
  const matchers = renamed.filter((matcher) => !(labels.has(matcher.name) && leavesOut(matcher, renaming)));
  return { ...selector, matchers };
}

/** Whether a matcher keeps the primary out. */
function leavesOut({ op, value }: LabelMatcher, { primary }: Renaming): boolean {
  if (op === "!=") return value === primary;
  return op === "!~" && alternativesOf(value).some((one) => tailAfter(one, primary) !== undefined);
}

function renameMatcher(matcher: LabelMatcher, renaming: Renaming): LabelMatcher {
  const { name, op, value } = matcher;
  if (name === METRIC_NAME || OF_BOTH_COPIES.test(name) || (op !== "=" && op !== "=~")) return matcher;
  const pairs = pairsFor(name, renaming);
  const alternatives = op === "=" ? [value] : alternativesOf(value);
  const rename = op === "=" ? renameValue : renameAlternative;
  const renamed = alternatives.map((one) => rename(one, pairs, renaming));
  if (renamed.every((one, index) => one === alternatives[index])) return matcher;
  return { ...matcher, value: [...new Set(renamed)].join("|") };
}

/** A name and what stands in its place. */
type Pair = readonly [from: string, to: string];

/** Of labels that name Services the Canary's Service counts as well, whose name may be another. */
function pairsFor(label: string, { target, primary, service }: Renaming): readonly Pair[] {
  const workloads: Pair[] = [
    [`${target}-canary`, primary],
    [target, primary],
  ];
  if (service === target || !OF_SERVICES.test(label)) return workloads;
  const own = `${service}-primary`;
  return [...workloads, [`${service}-canary`, own], [service, own]];
}

const OF_SERVICES = /service|host|authority/;

function renameValue(value: string, pairs: readonly Pair[], { namespace }: Renaming): string {
  for (const [from, to] of pairs) {
    if (value === from) return to;
    const rest = value.slice(from.length);
    if (value.startsWith(from) && isOfCluster(rest, namespace)) return to + rest;
  }
  return value;
}

/** Whether a name that goes on like this is that of a Service of the namespace: `.shop`, `.shop.svc`, `.shop.svc.cluster.local`. */
function isOfCluster(rest: string, namespace: string): boolean {
  const start = `.${namespace}`;
  return rest.startsWith(start) && /^(?:$|\.svc(?:$|\.))/.test(rest.slice(start.length));
}

function renameAlternative(alternative: string, pairs: readonly Pair[], { namespace }: Renaming): string {
  const start = alternative.startsWith("^") ? "^" : "";
  const rest = alternative.slice(start.length);
  for (const [from, to] of pairs) {
    const tail = tailAfter(rest, from);
    if (tail === undefined) continue;
    // A dot and a letter are a host, whatever the pattern's author took the dot for: `NAME.example.com` is somebody else's.
    const isHost = /^\\?\.[a-z0-9]/.test(tail);
    const host = tail.replaceAll("\\", "");
    if (!isHost || new RegExp(`^\\.${escapeRegex(namespace)}(?![a-z0-9-])`).test(host))
      return start + escapeRegex(to) + tail;
  }
  return alternative;
}

/** What a pattern has after a name; undefined when it does not begin with it, or goes on with letters of another name. */
function tailAfter(pattern: string, name: string): string | undefined {
  for (const literal of new Set([escapeRegex(name), name])) {
    if (!pattern.startsWith(literal)) continue;
    const tail = pattern.slice(literal.length);
    // A pattern, not a quantifier of the name's last letter.
    if (/^-?(?:$|[.[(\\$])/.test(tail)) return tail;
  }
  return undefined;
}

/** Splits a pattern at its outermost `|`. */
function alternativesOf(pattern: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let startIndex = 0;
  for (let index = 0; index < pattern.length; index++) {
    const char = pattern[index];
    if (char === "\\") index++;
    else if (char === "(" || char === "[") depth++;
    else if (char === ")" || char === "]") depth--;
    else if (char === "|" && depth === 0) {
      parts.push(pattern.slice(startIndex, index));
      startIndex = index + 1;
    }
  }
  return [...parts, pattern.slice(startIndex)];
}

/** Kubernetes' names have dots at most that a pattern would read otherwise. */
function escapeRegex(name: string): string {
  return name.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/** Whether a query of the target's pods takes in the primary's, as `pod=~"NAME-.*"` does. */
export function alsoSelectsPrimary(expr: Expr, renaming: Renaming): boolean {
  const sample = `${renaming.primary}-5d4f8c7b9f-x2k4q`;
  return selectorsOf(expr).some(({ matchers }) =>
    matchers.some((matcher) => {
      const isOfTarget = matcher.op === "=~" && renameMatcher(matcher, renaming) !== matcher;
      const isOpen = isOfTarget && accepts(matcher, sample);
      return isOpen && matchers.every((other) => other.name !== matcher.name || accepts(other, sample));
    }),
  );
}

function accepts(matcher: LabelMatcher, value: string): boolean {
  const test = compileMatcher(matcher);
  return test.ok && test.value(value);
}

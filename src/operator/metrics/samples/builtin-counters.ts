import type { Canary } from "#api";
import { err, ok, type Result } from "#base";
import { REQUEST_DURATION } from "#rollout";
import type { ArmName } from "#stats";
import { rowFor } from "../ask-builtin.ts";
import { builtinRowOf, builtinScope, metricsProviderOf } from "../builtin-queries.ts";
import type { BuiltinRow } from "../builtin-table.ts";
import type { MeasureContext } from "../measure-context.ts";
import { templateValuesOf } from "../template-values-of.ts";
import { type CounterMetric, type CounterSelector, type LabelTest, matches, parseSelector } from "./counter-metric.ts";

/** The counters of a built-in metric: as the clients saw the requests, and, where no client is measured, as the servers did. */
export interface BuiltinCounters {
  readonly metric: CounterMetric;
  readonly otherwise?: CounterMetric;
}

const ARMS: readonly ArmName[] = ["canary", "primary"];

/** Finds the counters; the error says why both copies cannot be compared by them. */
export function builtinCounters(
  name: string,
  canary: Canary,
  context: Pick<MeasureContext, "meshProvider" | "knativeRevision">,
): Result<BuiltinCounters, string> {
  const provider = metricsProviderOf(canary, context.meshProvider ?? "");
  const row = rowFor(builtinRowOf(provider), canary);
  if (row.seesPrimary !== true || (name === REQUEST_DURATION && row.duration.kind === "average"))
    return err(
      `the series of the provider ${JSON.stringify(provider)} do not show both copies; compare them by a MetricTemplate with spec.counts`,
    );
  const scopes = ARMS.map((arm) => scopeOf(arm, { row, canary }, context));
  const selectors = selectorsOf(name, row, scopes);
  if (!selectors.ok) return selectors;
  const tests = failureTests(row);
  if (!tests.ok) return tests;
  const metric = { name, ...tests.value, ...kindOf(name, row), selectors: selectors.value };
  if (row.comparison === undefined) return ok({ metric });
  const { served, asked } = row.comparison;
  const asClients = selectorsOf(
    name,
    row,
    scopes.map((scope) => (scope.ok ? ok(scope.value.replace(served, asked)) : scope)),
  );
  if (!asClients.ok) return asClients;
  return ok({ metric: { ...metric, selectors: asClients.value }, otherwise: metric });
}

function kindOf(name: string, { duration }: BuiltinRow): Pick<CounterMetric, "kind" | "boundFactor"> {
  if (name !== REQUEST_DURATION) return { kind: "counts", boundFactor: 1 };
  return { kind: "latency", boundFactor: duration.factor ?? 1 };
}

/** The matchers of one copy: those of the target, with its name or the primary's. */
function scopeOf(
  arm: ArmName,
  { row, canary }: { readonly row: BuiltinRow; readonly canary: Canary },
  context: Pick<MeasureContext, "meshProvider" | "knativeRevision">,
): Result<string, string> {
  const values = templateValuesOf(canary, {}, context);
  if (!values.ok) return values;
  return builtinScope(row, { ...values.value, target: targetOf(arm, values.value.target) });
}

/** The name that a copy has for queries: the target's, or its primary's. */
export function targetOf(arm: ArmName, target: string): string {
  return arm === "canary" ? target : `${target}-primary`;
}

function selectorsOf(
  name: string,
  { requests, duration }: BuiltinRow,
  scopes: readonly Result<string, string>[],
): Result<readonly CounterSelector[], string> {
  const { series, matchers: more } = name === REQUEST_DURATION ? duration : requests;
  const selectors: CounterSelector[] = [];
  for (const [index, arm] of ARMS.entries()) {
    const scope = scopes[index];
    if (scope === undefined || !scope.ok) return scope ?? err("a copy has no name");
    const matchers = parseSelector(`${series}{${[scope.value, ...(more === undefined ? [] : [more])].join(",")}}`);
    if (!matchers.ok) return matchers;
    selectors.push({ arm, role: name === REQUEST_DURATION ? "bucket" : "requests", matchers: matchers.value });
  }
  return ok(selectors);
}

/** Requests failed that the row does not take for succeeded, or takes for failed all the same. */
function failureTests(row: BuiltinRow): Result<Pick<CounterMetric, "isBad" | "badLabels">, string> {
  const succeeded = parseSelector(`{${row.requests.succeeded},__name__!=""}`);
  if (!succeeded.ok) return succeeded;
  const labels = new Set(succeeded.value.map((matcher) => matcher.name));
  const isGood = matches(succeeded.value.filter((matcher) => matcher.name !== "__name__"));
  const failures: LabelTest[] = [];
  for (const text of row.comparison?.failed ?? []) {
    const failed = parseSelector(`{${text}}`);
    if (!failed.ok) return failed;
    for (const matcher of failed.value) labels.add(matcher.name);
    failures.push(matches(failed.value));
  }
  labels.delete("__name__");
  return ok({
    isBad: (of) => !isGood(of) || failures.some((failed) => failed(of)),
    badLabels: [...labels].sort(),
  });
}

import type { CanaryAnalysis } from "#api";
import { isObject, type Problem } from "#base";
import { partsOf } from "./judge-metric.ts";

/**
 * What is wrong with single metrics and webhooks of an analysis. Flagger finds it when a release asks for them, and counts
 * it against the release. Addresses are never quoted: they may hold a password or a token.
 */
export function entryProblems({ metrics, webhooks }: CanaryAnalysis): Problem[] {
  return [...eachOf(metrics, "metrics", metricProblems), ...eachOf(webhooks, "webhooks", webhookProblems)];
}

type Entry = Readonly<Record<string, unknown>>;

function eachOf<T>(
  list: readonly T[] | undefined,
  field: string,
  problemsOf: (entry: T & Entry, path: string) => Problem[],
): Problem[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((entry: T & Entry, index) => {
    const path = `spec.analysis.${field}[${index}]`;
    return isObject(entry) ? problemsOf(entry, path) : [wrong(path, "must be an object", "write its fields")];
  });
}

function metricProblems(metric: NonNullable<CanaryAnalysis["metrics"]>[number], path: string): Problem[] {
  const problems: Problem[] = [];
  const { name, templateRef, thresholdRange } = metric;
  if (name === "")
    problems.push({ path: `${path}.name`, code: "required", message: "is empty", fix: "name what it measures" });
  else if (partsOf(metric).length === 0)
    problems.push({
      path,
      code: "required",
      message: `"${name}" is no built-in metric, and has neither a templateRef nor a query`,
      fix: "name request-success-rate or request-duration, or add a templateRef",
    });
  if (templateRef !== undefined && templateRef.name === "")
    problems.push({
      path: `${path}.templateRef.name`,
      code: "required",
      message: "is empty",
      fix: "name a MetricTemplate",
    });
  const { min, max } = thresholdRange ?? {};
  if (min !== undefined && max !== undefined && min > max)
    problems.push(
      wrong(`${path}.thresholdRange`, `no value is at least ${min} and at most ${max}`, "set min to at most max"),
    );
  return problems;
}

/** The same address twice is no mistake: one tester answers for several types, told apart by their metadata. */
function webhookProblems(hook: NonNullable<CanaryAnalysis["webhooks"]>[number], path: string): Problem[] {
  const problems: Problem[] = [];
  if (hook.name === "")
    problems.push({ path: `${path}.name`, code: "required", message: "is empty", fix: "name what it asks" });
  if (hook.url === "")
    problems.push({ path: `${path}.url`, code: "required", message: "is empty", fix: "write http://HOST/PATH" });
  else if (!isHttpUrl(hook.url))
    problems.push(wrong(`${path}.url`, "must be an address of http or https", "write http://HOST/PATH"));
  const { retries } = hook;
  if (retries !== undefined && !(Number.isInteger(retries) && retries >= 0))
    problems.push(
      wrong(`${path}.retries`, `must be a whole number of at least 0, received ${retries}`, "write such a number"),
    );
  return problems;
}

/** `http:` and `https:` with a host. Pure rooms have no URL; what this takes and URL does not is an error of the request. */
export function isHttpUrl(text: unknown): boolean {
  return typeof text === "string" && /^https?:\/\/[^\s/?#]+([/?#]\S*)?$/i.test(text);
}

function wrong(path: string, message: string, fix: string): Problem {
  return { path, code: "invalid-value", message, fix };
}

import type { Canary } from "#api";
import type { MetricResult, ServedShare } from "#rollout";
import { askTogether, type BuiltinQuestion, prepareBuiltin } from "./ask-builtin.ts";
import type { MeasureContext } from "./measure-context.ts";
import { askPrometheus, singleResult } from "./prometheus-client.ts";

/**
 * Counts the requests of both copies over a window, as their proxies (or the applications) counted them; never rejects.
 *
 * Undefined when the provider's series do not tell the copies apart, when nothing was served, and when nobody answers. Mirrored
 * requests count too: no series tells them from others. Source: istio-spec 4.1; statistics 2.9.
 */
export async function measureServedShare(
  subject: { readonly canary: Canary /** Such as `1m`, which is the default. */; readonly interval?: string },
  context: MeasureContext,
): Promise<ServedShare | undefined> {
  const prepare = (canary: Canary) => prepareBuiltin({ canary, kind: "requests", interval: subject.interval }, context);
  const canary = prepare(subject.canary);
  if (!canary.ok || canary.value.row.seesPrimary !== true) return undefined;
  const { target } = canary.value.values;
  const { spec } = subject.canary;
  const primary = prepare({
    ...subject.canary,
    spec: { ...spec, targetRef: { ...spec.targetRef, name: `${target}-primary` } },
  });
  if (!primary.ok) return undefined;
  const counts = await countBoth(canary.value, primary.value, context);
  const [canaryCount, primaryCount] = counts.map(countOf);
  if (canaryCount === undefined || primaryCount === undefined) return undefined;
  const requestCount = canaryCount + primaryCount;
  if (requestCount <= 0) return undefined;
  return { canaryPercent: (canaryCount / requestCount) * 100, requestCount, windowMs: canary.value.windowMs };
}

async function countBoth(
  canary: BuiltinQuestion,
  primary: BuiltinQuestion,
  context: MeasureContext,
): Promise<readonly MetricResult[]> {
  const { batcher } = context;
  if (batcher !== undefined && canary.row.workload !== undefined) {
    const workloads = [canary, primary].map(({ values }) => ({ namespace: values.namespace, name: values.target }));
    const answer = await askTogether(canary, workloads, { ...context, batcher });
    if (answer.kind === "figures") return workloads.map(answer.of);
    if (answer.kind !== "error") return [];
  }
  return Promise.all(
    [canary, primary].map(async ({ query, server, windowMs }) =>
      singleResult(
        await askPrometheus({ address: server, dispatcher: context.http.dispatcher }, query, context.signal),
        windowMs,
      ),
    ),
  );
}

/** A copy without a series has served nothing. */
function countOf(result: MetricResult): number | undefined {
  if (result.kind === "value") return result.value;
  return result.kind === "zero" || result.kind === "empty" ? 0 : undefined;
}

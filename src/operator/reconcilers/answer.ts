import type { Canary } from "#api";
import { unreachable } from "#base";
import { type Answer, completeStatus, type MetricResult, namesOf, partsOf, type Question } from "#rollout";
import { callWebhook, type WebhookPayload } from "../gates/index.ts";
import {
  checkProvider,
  type MeasureContext,
  measure,
  measureSamples,
  measureServedShare,
  metricFault,
} from "../metrics/index.ts";
import type { OperatorContext } from "../operator-context.ts";
import { revisionChecksum } from "../workloads/index.ts";

/** Asks the questions of a decision, all at once; never rejects, an answer may be that there is none. */
export async function answerAll(
  questions: readonly Question[],
  canary: Canary,
  context: OperatorContext,
): Promise<readonly (readonly [string, Answer])[]> {
  return Promise.all(
    questions.map(async (question) => [question.id, await answer(question, canary, context)] as const),
  );
}

async function answer(question: Question, canary: Canary, context: OperatorContext): Promise<Answer> {
  switch (question.kind) {
    case "hook": {
      const payload = payloadFor(canary, question.phase, question.hook.metadata);
      return { kind: "hook", ...(await callWebhook(question.hook, payload, context)) };
    }
    case "metric": {
      const measured = await measure({ canary, ...question }, measureContext(context));
      report(question.metric.name, measured.result, { canary, context });
      return { kind: "metric", ...measured };
    }
    case "providers":
      return askProviders(canary, context);
    case "served": {
      const share = await measureServedShare({ canary }, measureContext(context));
      return share === undefined ? { kind: "served" } : { kind: "served", share };
    }
    case "samples":
      return { kind: "samples", samples: await measureSamples(question, { canary }, measureContext(context)) };
    default:
      return unreachable(question);
  }
}

async function askProviders(canary: Canary, context: OperatorContext): Promise<Answer> {
  const metrics = canary.spec.analysis.metrics ?? [];
  const measuring = measureContext(context);
  const subjects = metrics.flatMap((metric) => partsOf(metric).map((part) => ({ canary, metric, part })));
  // A mistake in the Canary or a template is told as such, at every look.
  const usable = subjects.filter((subject) => metricFault(subject, measuring) === undefined);
  const checks = usable.map((subject) => checkProvider(subject, measuring));
  const problems = (await Promise.all(checks)).filter((problem) => problem !== undefined);
  if (problems.length > 0) return { kind: "providers", problem: [...new Set(problems)].join("; ") };
  return usable.length < subjects.length ? { kind: "providers", problem: "" } : { kind: "providers" };
}

/** The body for a hook about this Canary. Source: flagger-spec 6.2. */
export function payloadFor(
  canary: Canary,
  phase: string,
  metadata: Readonly<Record<string, string>> | undefined,
): WebhookPayload {
  const { namespace, canary: name } = namesOf(canary);
  const { lastAppliedSpec, trackedConfigs } = completeStatus(canary.status);
  const hasMetadata = Object.keys(metadata ?? {}).length > 0;
  return {
    name,
    namespace,
    phase,
    checksum: revisionChecksum(lastAppliedSpec, trackedConfigs),
    ...(hasMetadata && metadata !== undefined ? { metadata } : {}),
  };
}

/** What measuring needs, from what a reconcile has. */
export function measureContext({ settings, views, ...context }: OperatorContext): MeasureContext {
  const { http, batcher, clock, env, signal } = context;
  return {
    metricsServer: settings.metricsServer,
    http,
    batcher,
    clock,
    env,
    signal,
    template: (key) => views.metricTemplates.get(key),
    secret: (key) => views.secrets.get(key),
  };
}

function report(metric: string, result: MetricResult, of: { canary: Canary; context: OperatorContext }): void {
  const value = result.kind === "value" ? result.value : result.kind === "zero" ? 0 : undefined;
  if (value === undefined) return;
  const { target, namespace } = namesOf(of.canary);
  // Durations are exported in seconds. Source: flagger-spec 5.2.
  const shown = metric === "request-duration" ? value / 1000 : value;
  of.context.metrics.measured({ name: target, namespace }, metric, shown);
}

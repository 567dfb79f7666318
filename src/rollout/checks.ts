import type { CanaryPhase, CanaryWebhook, CanaryWebhookType } from "#api";
import type { CheckFact } from "./decision.ts";
import { judgeMetric, partsOf } from "./judge-metric.ts";
import type { MetricPart, Question } from "./observation.ts";
import { hooksOf } from "./settings.ts";
import { asks, type Situation } from "./situation.ts";

type HookType = Exclude<CanaryWebhookType, "">;

/** What a list of hooks says: not all asked yet, all passed, or one failed. */
export type GateState =
  | { readonly kind: "ask"; readonly questions: readonly Question[] }
  | { readonly kind: "passed"; readonly hooks: readonly CanaryWebhook[] }
  | { readonly kind: "failed"; readonly hook: CanaryWebhook; readonly detail: string };

/** Asks the hooks of a type one after the other, up to the first that fails. A gate that a person opens is not asked. */
export function gateOf(s: Situation, type: HookType): GateState {
  if (type.startsWith("confirm-") && asks(s, "resume", "skip", "promote")) return { kind: "passed", hooks: [] };
  const hooks = hooksOf(s.settings, type);
  for (const [index, hook] of hooks.entries()) {
    const id = `hook/${type}/${index}`;
    const answer = s.observation.answers.get(id);
    if (answer?.kind !== "hook")
      return { kind: "ask", questions: [{ kind: "hook", id, hook, phase: hookPhase(s, type) }] };
    if (!answer.isPassed) return { kind: "failed", hook, detail: answer.detail };
  }
  return { kind: "passed", hooks };
}

/** Hooks of the analysis are told Progressing, also while promotion waits. Source: flagger-spec 6.1. */
function hookPhase(s: Situation, type: HookType): CanaryPhase {
  return type === "confirm-rollout" || type === "rollback" ? s.status.phase : "Progressing";
}

/** Rollback hooks are all asked; a failing one is the normal case, a passing one asks for the rollback. */
export function rollbackRequest(s: Situation): GateState {
  for (const [index, hook] of hooksOf(s.settings, "rollback").entries()) {
    const id = `hook/rollback/${index}`;
    const answer = s.observation.answers.get(id);
    if (answer?.kind !== "hook") return { kind: "ask", questions: [{ kind: "hook", id, hook, phase: s.status.phase }] };
    if (answer.isPassed) return { kind: "failed", hook, detail: "" };
  }
  return { kind: "passed", hooks: [] };
}

/** What the tick's checks say together. */
export type ChecksState =
  | { readonly kind: "ask"; readonly questions: readonly Question[] }
  | { readonly kind: "failed"; readonly message: string; readonly facts: readonly CheckFact[] }
  /** No check failed, but not all could be made. */
  | { readonly kind: "unknown"; readonly message: string; readonly facts: readonly CheckFact[] }
  /** A metric that cannot be compared failed: that holds a sequential analysis, and counts for nothing. */
  | { readonly kind: "held"; readonly message: string; readonly facts: readonly CheckFact[] }
  | { readonly kind: "passed"; readonly facts: readonly CheckFact[] };

/**
 * Runs the checks of a tick: the pre-rollout hooks before the first weight, later the rollout hooks and every metric.
 *
 * One failure is enough, whatever else is unknown. Source: flagger-spec 2.5.1.
 */
export function checksOf(s: Situation): ChecksState {
  if (asks(s, "skip")) return { kind: "passed", facts: [] };
  // Evidence is collected more often than hooks are asked.
  if (s.trial !== undefined && !(s.trial.kind === "judged" && s.trial.areChecksDue))
    return { kind: "passed", facts: [] };
  const isFirst = !s.hasStarted && s.status.phase === "Progressing";
  const gate = gateOf(s, isFirst ? "pre-rollout" : "rollout");
  if (gate.kind === "ask") return gate;
  if (gate.kind === "failed") {
    const what = isFirst ? "pre-rollout" : "external";
    const message = `Halt ${s.names.canaryRef} advancement ${what} check ${gate.hook.name} failed ${gate.detail}`;
    return { kind: "failed", message, facts: [{ name: gate.hook.name, verdict: "failed", detail: message }] };
  }
  const facts = gate.hooks.map(({ name }): CheckFact => ({ name, verdict: "passed", detail: `hook ${name} passed` }));
  if (!isFirst) return metricsOf(s, facts);
  const questions = demandQuestion(s);
  return questions.length > 0 ? { kind: "ask", questions } : { kind: "passed", facts };
}

function metricsOf(s: Situation, hookFacts: readonly CheckFact[]): ChecksState {
  const questions: Question[] = [...servedQuestion(s)];
  const facts: CheckFact[] = [...hookFacts];
  for (const { metric, part, id } of metricEntries(s)) {
    const answer = s.observation.answers.get(id);
    if (answer?.kind !== "metric") {
      questions.push({ kind: "metric", id, metric, part });
      continue;
    }
    const { canaryRef, targetRef } = s.names;
    facts.push(
      judgeMetric({
        metric,
        part,
        result: answer.result,
        ...(answer.query === undefined ? {} : { query: answer.query }),
        provider: s.settings.provider,
        canaryRef,
        targetRef,
      }),
    );
  }
  if (questions.length > 0) return { kind: "ask", questions };
  const failed = facts.find((fact) => fact.verdict === "failed");
  if (failed !== undefined) return { kind: isCompared(s) ? "held" : "failed", message: failed.detail, facts };
  const unknown = facts.find((fact) => fact.verdict === "unknown");
  if (unknown !== undefined) return { kind: "unknown", message: unknown.detail, facts };
  return { kind: "passed", facts };
}

/** Whether evidence decides. A release of which nothing can be compared is decided by its checks, as ever. */
function isCompared({ trial }: Situation): boolean {
  return trial?.kind === "judged" && trial.run.metrics.length > 0;
}

/** What the canary really gets is measured beside the checks; it is no check itself. */
function servedQuestion(s: Situation): Question[] {
  const isAsked = s.weight > 0 && s.settings.hasRoutes && !s.observation.answers.has("served");
  return isAsked ? [{ kind: "served", id: "served" }] : [];
}

/** Before the first step only what capacity needs to know is measured. */
function demandQuestion(s: Situation): Question[] {
  const { coupling, requestsPerPod } = s.settings.capacity;
  const isAsked = coupling !== "off" && requestsPerPod !== undefined && s.settings.hasRoutes;
  return isAsked && !s.observation.answers.has("served") ? [{ kind: "served", id: "served" }] : [];
}

/**
 * Built-in and inline metrics first, then templates, each in the order of the spec; without those whose copies are compared.
 * Source: flagger-spec 2.5.1.
 */
function metricEntries(s: Situation): { metric: RowMetric; part: MetricPart; id: string }[] {
  const compared = new Set(s.trial?.kind === "judged" ? s.trial.run.metrics.map(({ name }) => name) : []);
  const all = s.settings.metrics.flatMap((metric, index) => {
    const parts = partsOf(metric);
    const comparedPart = parts.includes("builtin") ? "builtin" : "template";
    // Of entries with one name the first is compared.
    const isCompared =
      compared.has(metric.name) && s.settings.metrics.findIndex(({ name }) => name === metric.name) === index;
    return parts
      .filter((part) => !isCompared || part !== comparedPart)
      .map((part) => ({ metric, part, id: `metric/${index}/${part}` }));
  });
  return [...all.filter((entry) => entry.part !== "template"), ...all.filter((entry) => entry.part === "template")];
}

type RowMetric = Situation["settings"]["metrics"][number];

import { Counter, Gauge, type Registry } from "prom-client";
import type { Decision } from "#rollout";

/** Whose series these are; `name` is the target's. */
interface Owner {
  readonly name: string;
  readonly namespace: string;
}

/** What the verdicts of sequential analyses stand on, and how often each rule decided. */
export interface VerdictMetrics {
  decided(canary: Owner, decision: Pick<Decision, "label" | "explanation">): void;
  forget(canary: Owner): void;
}

const LABELS = ["namespace", "name", "metric"] as const;

/**
 * Adds the series of verdicts to a registry. A Canary has those of the metrics that its last evidence was about: a metric
 * that was taken out of its spec goes, so that a label has no more values than specs have metrics.
 */
export function createVerdictMetrics(registry: Registry): VerdictMetrics {
  const registers = [registry];
  const gauge = (name: string, help: string) => new Gauge({ name, help, labelNames: LABELS, registers });
  const evidence = gauge("serin_verdict_evidence", "Natural logarithm of the evidence that the canary is worse.");
  const bound = gauge("serin_verdict_bound", "Upper bound of the canary's excess rate, 0 to 1.");
  const goal = gauge("serin_verdict_goal", "Excess rate at which the bound lets the release go on, 0 to 1.");
  const stop = new Gauge({
    name: "serin_verdict_stop",
    help: "Natural logarithm of the evidence at which the release is rolled back.",
    labelNames: ["namespace", "name"],
    registers,
  });
  const falseAlarm = gauge("serin_verdict_false_alarm", "Chance of so much evidence about a good release, 0 to 1.");
  const decisions = new Counter({
    name: "serin_decisions_total",
    help: "Looks at Canaries by the rule that decided.",
    labelNames: ["label"],
    registers,
  });
  const known = new Map<string, ReadonlySet<string>>();
  const idOf = ({ name, namespace }: Owner): string => `${namespace}/${name}`;

  function remove(canary: Owner, metric: string): void {
    for (const series of [evidence, bound, goal, falseAlarm]) series.remove({ ...canary, metric });
  }

  return {
    decided({ name, namespace }, { label, explanation }) {
      decisions.inc({ label });
      if (explanation.evidence === undefined) return;
      const canary = { name, namespace };
      const { metrics, stopAt } = explanation.evidence;
      stop.set(canary, stopAt);
      const now = new Set(metrics.map(({ metric }) => metric));
      for (const metric of known.get(idOf(canary)) ?? []) if (!now.has(metric)) remove(canary, metric);
      known.set(idOf(canary), now);
      for (const fact of metrics) {
        const labels = { ...canary, metric: fact.metric };
        evidence.set(labels, fact.worse);
        falseAlarm.set(labels, fact.falseAlarm);
        setOrRemove(bound, labels, fact.bound);
        setOrRemove(goal, labels, fact.goAt);
      }
    },
    forget({ name, namespace }) {
      const canary = { name, namespace };
      for (const metric of known.get(idOf(canary)) ?? []) remove(canary, metric);
      stop.remove(canary);
      known.delete(idOf(canary));
    },
  };
}

function setOrRemove(gauge: Gauge, labels: Readonly<Record<string, string>>, value: number | undefined): void {
  if (value === undefined) gauge.remove(labels);
  else gauge.set(labels, value);
}

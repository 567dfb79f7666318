import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Decision } from "#rollout";
import { createOperatorMetrics, type OperatorMetrics } from "./operator-metrics.ts";
import { createVerdictMetrics } from "./verdict-metrics.ts";

/** What the operator tells Prometheus about the releases. */
export interface RolloutMetrics {
  /** Sets the gauges of a Canary. */
  observe(canary: CanaryFigures): void;
  measured(canary: Identity, metric: string, value: number): void;
  /** A decision was carried out. */
  decided(canary: Identity, decision: Pick<Decision, "label" | "explanation">): void;
  ticked(canary: Identity, seconds: number): void;
  finished(canary: Identity, run: FinishedRun): void;
  /** Drops every series of a Canary that is gone. */
  forget(canary: Identity): void;
  /** Says where the Canaries by namespace are counted, which is done when the figures are asked for. */
  watchTotals(count: () => ReadonlyMap<string, number>): void;
  /** Figures about the operator itself. */
  readonly operator: OperatorMetrics;
  text(): Promise<string>;
  readonly contentType: string;
}

/** How a run ended, and by which strategy. Source: flagger-spec 8.1. */
export interface FinishedRun {
  readonly outcome: "success" | "failure";
  readonly analysis: "completed" | "skipped";
  readonly strategy: "canary" | "blue-green" | "ab-testing";
}

/** `name` is the target's name, as in Flagger. Source: flagger-spec 8.1. */
export interface Identity {
  readonly name: string;
  readonly namespace: string;
}

export interface CanaryFigures extends Identity {
  readonly phase: string;
  readonly canaryWeight: number;
  /** By copy; a figure that is not known has no series. Absent when none is. */
  readonly capacity?: Readonly<Record<Copy, CopyFigures>>;
}

type Copy = "primary" | "canary";

/** Pods of one copy. */
export interface CopyFigures {
  readonly ready: number | undefined;
  readonly need: number | undefined;
  readonly floor: number | undefined;
}

/** Makes the registry with Flagger's names. Source: flagger-spec 8.1; difference: series of deleted Canaries go. */
export function createRolloutMetrics(info: { version: string; meshProvider: string }): RolloutMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const series = createSeries(registry);
  const verdicts = createVerdictMetrics(registry);
  series.info.set({ version: info.version, mesh_provider: info.meshProvider }, 1);
  /** Labels of the metrics that each Canary has, to take them back. */
  const metricNames = new Map<string, Set<string>>();
  const idOf = ({ name, namespace }: Identity): string => `${namespace}/${name}`;
  let countTotals: () => ReadonlyMap<string, number> = () => new Map();
  return {
    operator: createOperatorMetrics(registry),
    contentType: registry.contentType,
    text() {
      series.total.reset();
      for (const [namespace, count] of countTotals()) series.total.set({ namespace }, count);
      return registry.metrics();
    },
    watchTotals: (count) => void (countTotals = count),
    observe({ name, namespace, phase, canaryWeight, capacity }) {
      series.status.set({ name, namespace }, phase === "Progressing" ? 0 : phase === "Failed" ? 2 : 1);
      series.weight.set({ workload: `${name}-primary`, namespace }, 100 - canaryWeight);
      series.weight.set({ workload: name, namespace }, canaryWeight);
      for (const copy of COPIES) setCapacity(series, { name, namespace, copy }, capacity?.[copy] ?? NOTHING_KNOWN);
    },
    measured({ name, namespace }, metric, value) {
      const known = metricNames.get(idOf({ name, namespace })) ?? new Set();
      metricNames.set(idOf({ name, namespace }), known.add(metric));
      series.analysis.set({ name, namespace, metric }, value);
    },
    decided: verdicts.decided,
    ticked: ({ name, namespace }, seconds) => series.duration.observe({ name, namespace }, seconds),
    finished: ({ name, namespace }, { outcome, strategy: deployment_strategy, analysis: analysis_status }) =>
      series[outcome].inc({ name, namespace, deployment_strategy, analysis_status }),
    forget({ name, namespace }) {
      series.status.remove({ name, namespace });
      series.weight.remove({ workload: name, namespace });
      series.weight.remove({ workload: `${name}-primary`, namespace });
      series.duration.remove({ name, namespace });
      for (const copy of COPIES) setCapacity(series, { name, namespace, copy }, NOTHING_KNOWN);
      for (const metric of metricNames.get(idOf({ name, namespace })) ?? [])
        series.analysis.remove({ name, namespace, metric });
      metricNames.delete(idOf({ name, namespace }));
      verdicts.forget({ name, namespace });
    },
  };
}

const COPIES = ["primary", "canary"] as const;
const NOTHING_KNOWN: CopyFigures = { ready: undefined, need: undefined, floor: undefined };

function setCapacity(
  series: ReturnType<typeof createSeries>,
  labels: Identity & { readonly copy: Copy },
  figures: CopyFigures,
): void {
  const { name, namespace, copy } = labels;
  for (const figure of ["ready", "need", "floor"] as const) {
    const value = figures[figure];
    if (value === undefined) series.capacity[figure].remove({ name, namespace, copy });
    else series.capacity[figure].set({ name, namespace, copy }, value);
  }
}

const CANARY_LABELS = ["name", "namespace"] as const;
const COPY_LABELS = [...CANARY_LABELS, "copy"] as const;
const RUN_LABELS = [...CANARY_LABELS, "deployment_strategy", "analysis_status"] as const;

function createSeries(registry: Registry) {
  const registers = [registry];
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[]): Gauge<L> =>
    new Gauge({ name, help, labelNames, registers });
  const counter = (name: string, help: string) => new Counter({ name, help, labelNames: RUN_LABELS, registers });
  return {
    info: gauge("flagger_info", "Version and mesh provider.", ["version", "mesh_provider"]),
    total: gauge("flagger_canary_total", "Canaries in the namespace.", ["namespace"]),
    status: gauge("flagger_canary_status", "Last known status: 0 running, 1 successful, 2 failed.", CANARY_LABELS),
    weight: gauge("flagger_canary_weight", "Traffic weight asked for the workload, in percent.", [
      "workload",
      "namespace",
    ]),
    capacity: {
      ready: gauge("serin_capacity_ready", "Pods of the copy that are ready.", COPY_LABELS),
      need: gauge("serin_capacity_need", "Pods that the copy's share of the traffic needs.", COPY_LABELS),
      floor: gauge("serin_capacity_floor", "Pods that the copy's autoscaler is held above.", COPY_LABELS),
    },
    analysis: gauge("flagger_canary_metric_analysis", "Last value of a metric.", [...CANARY_LABELS, "metric"]),
    duration: new Histogram({
      name: "flagger_canary_duration_seconds",
      help: "Seconds that a tick with analysis took.",
      labelNames: CANARY_LABELS,
      registers,
    }),
    success: counter("flagger_canary_successes_total", "Releases that were promoted."),
    failure: counter("flagger_canary_failures_total", "Releases that were rolled back."),
  };
}

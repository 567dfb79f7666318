import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

/** What the operator tells Prometheus about the releases. */
export interface RolloutMetrics {
  /** Sets the gauges of a Canary. */
  observe(canary: CanaryFigures): void;
  measured(canary: Identity, metric: string, value: number): void;
  ticked(canary: Identity, seconds: number): void;
  finished(canary: Identity, run: { outcome: "success" | "failure"; analysis: "completed" | "skipped" }): void;
  /** Drops every series of a Canary that is gone. */
  forget(canary: Identity): void;
  /** Canaries by namespace; namespaces that are not named have none. */
  setTotals(counts: ReadonlyMap<string, number>): void;
  text(): Promise<string>;
  readonly contentType: string;
}

/** `name` is the target's name, as in Flagger. Source: flagger-spec 8.1. */
export interface Identity {
  readonly name: string;
  readonly namespace: string;
}

export interface CanaryFigures extends Identity {
  readonly phase: string;
  readonly canaryWeight: number;
}

/** Makes the registry with Flagger's names. Source: flagger-spec 8.1; difference: series of deleted Canaries go. */
export function createRolloutMetrics(info: { version: string; meshProvider: string }): RolloutMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const labelNames = ["name", "namespace"] as const;
  const runLabels = [...labelNames, "deployment_strategy", "analysis_status"] as const;
  new Gauge({
    name: "flagger_info",
    help: "Version and mesh provider.",
    labelNames: ["version", "mesh_provider"],
    registers,
  }) //
    .set({ version: info.version, mesh_provider: info.meshProvider }, 1);
  const total = new Gauge({
    name: "flagger_canary_total",
    help: "Canaries in the namespace.",
    labelNames: ["namespace"],
    registers,
  });
  const status = new Gauge({
    name: "flagger_canary_status",
    help: "Last known status: 0 running, 1 successful, 2 failed.",
    labelNames,
    registers,
  });
  const weight = new Gauge({
    name: "flagger_canary_weight",
    help: "Traffic weight asked for the workload, in percent.",
    labelNames: ["workload", "namespace"],
    registers,
  });
  const duration = new Histogram({
    name: "flagger_canary_duration_seconds",
    help: "Seconds that a tick with analysis took.",
    labelNames,
    registers,
  });
  const analysis = new Gauge({
    name: "flagger_canary_metric_analysis",
    help: "Last value of a metric.",
    labelNames: [...labelNames, "metric"],
    registers,
  });
  const counters = {
    success: new Counter({
      name: "flagger_canary_successes_total",
      help: "Releases that were promoted.",
      labelNames: runLabels,
      registers,
    }),
    failure: new Counter({
      name: "flagger_canary_failures_total",
      help: "Releases that were rolled back.",
      labelNames: runLabels,
      registers,
    }),
  };
  const metricNames = new Map<string, Set<string>>();
  const idOf = ({ name, namespace }: Identity): string => `${namespace}/${name}`;
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    setTotals(counts) {
      total.reset();
      for (const [namespace, count] of counts) total.set({ namespace }, count);
    },
    observe({ name, namespace, phase, canaryWeight }) {
      status.set({ name, namespace }, phase === "Progressing" ? 0 : phase === "Failed" ? 2 : 1);
      weight.set({ workload: `${name}-primary`, namespace }, 100 - canaryWeight);
      weight.set({ workload: name, namespace }, canaryWeight);
    },
    measured({ name, namespace }, metric, value) {
      const known = metricNames.get(idOf({ name, namespace })) ?? new Set();
      metricNames.set(idOf({ name, namespace }), known.add(metric));
      analysis.set({ name, namespace, metric }, value);
    },
    ticked: ({ name, namespace }, seconds) => duration.observe({ name, namespace }, seconds),
    finished: ({ name, namespace }, { outcome, analysis: analysis_status }) =>
      counters[outcome].inc({ name, namespace, deployment_strategy: "canary", analysis_status }),
    forget({ name, namespace }) {
      status.remove({ name, namespace });
      weight.remove({ workload: name, namespace });
      weight.remove({ workload: `${name}-primary`, namespace });
      duration.remove({ name, namespace });
      for (const metric of metricNames.get(idOf({ name, namespace })) ?? [])
        analysis.remove({ name, namespace, metric });
      metricNames.delete(idOf({ name, namespace }));
    },
  };
}

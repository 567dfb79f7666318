/** Identity of a ScaledObject. */
export interface ScaledObjectName {
  readonly namespace: string;
  readonly name: string;
}

/** Identity of a trigger's metric. */
export interface MetricLabels {
  readonly metric: string;
  /** The trigger's name, or its type. */
  readonly scaler: string;
  readonly triggerIndex: number;
}

export interface MetricFigures extends MetricLabels {
  readonly value: number;
  readonly latencySeconds: number;
  readonly isActive: boolean;
}

/** What there is to tell Prometheus about ScaledObjects, by KEDA's names. Source: keda-hpa-spec 11. */
export interface KedaMetrics {
  read(object: ScaledObjectName, figures: MetricFigures): void;
  failed(object: ScaledObjectName, of: MetricLabels): void;
  /** A reconcile or poll of the ScaledObject that failed as a whole. */
  objectFailed(object: ScaledObjectName): void;
  paused(object: ScaledObjectName, isPaused: boolean): void;
  loopStarted(object: ScaledObjectName, latenessSeconds: number): void;
  /** The types of its triggers. */
  registered(object: ScaledObjectName, types: readonly string[]): void;
  /** Forgets metrics that the ScaledObject has no more. */
  keep(object: ScaledObjectName, metricNames: readonly string[]): void;
  forget(object: ScaledObjectName): void;
  /** In the text format of Prometheus. */
  text(): string;
}

/** Series of metrics of one ScaledObject; servers of external triggers choose names. */
const MAX_METRIC_COUNT = 256;

interface MetricRecord extends MetricLabels {
  figures: Omit<MetricFigures, keyof MetricLabels> | undefined;
  errorCount: number;
}

interface ObjectRecord extends ScaledObjectName {
  isPaused: boolean;
  errorCount: number;
  latenessSeconds: number | undefined;
  types: readonly string[];
  readonly metrics: Map<string, MetricRecord>;
}

export function createKedaMetrics(): KedaMetrics {
  const objects = new Map<string, ObjectRecord>();

  function recordOf({ namespace, name }: ScaledObjectName): ObjectRecord {
    const key = `${namespace}/${name}`;
    const existing = objects.get(key);
    if (existing !== undefined) return existing;
    const rest = { isPaused: false, errorCount: 0, latenessSeconds: undefined, types: [], metrics: new Map() };
    const made: ObjectRecord = { namespace, name, ...rest };
    objects.set(key, made);
    return made;
  }

  function metricOf(object: ScaledObjectName, labels: MetricLabels): MetricRecord | undefined {
    const { metrics } = recordOf(object);
    const existing = metrics.get(labels.metric);
    if (existing !== undefined || metrics.size >= MAX_METRIC_COUNT) return existing;
    const { metric, scaler, triggerIndex } = labels;
    const made: MetricRecord = { metric, scaler, triggerIndex, figures: undefined, errorCount: 0 };
    metrics.set(metric, made);
    return made;
  }

  return {
    read(object, { value, latencySeconds, isActive, ...labels }) {
      const record = metricOf(object, labels);
      if (record !== undefined) record.figures = { value, latencySeconds, isActive };
    },
    failed(object, labels) {
      const record = metricOf(object, labels);
      if (record !== undefined) record.errorCount += 1;
    },
    objectFailed: (object) => void (recordOf(object).errorCount += 1),
    paused: (object, isPaused) => void (recordOf(object).isPaused = isPaused),
    loopStarted: (object, seconds) => void (recordOf(object).latenessSeconds = seconds),
    registered: (object, types) => void (recordOf(object).types = types),
    keep(object, names) {
      const { metrics } = recordOf(object);
      for (const name of metrics.keys()) if (!names.includes(name)) metrics.delete(name);
    },
    forget: ({ namespace, name }) => void objects.delete(`${namespace}/${name}`),
    text: () => render([...objects.values()]),
  };
}

type Labels = Readonly<Record<string, string | number>>;

interface Family {
  readonly name: string;
  readonly type: "gauge" | "counter";
  readonly help: string;
  readonly samples: readonly { readonly labels: Labels; readonly value: number | undefined }[];
}

function render(objects: readonly ObjectRecord[]): string {
  return [...metricFamilies(objects), ...objectFamilies(objects)].map(format).join("");
}

function metricFamilies(objects: readonly ObjectRecord[]): readonly Family[] {
  const all = objects.flatMap(({ namespace, name, metrics }) =>
    [...metrics.values()].map((record) => {
      const { metric, scaler, triggerIndex } = record;
      const labels = { namespace, metric, scaledObject: name, scaler, triggerIndex, type: "scaledobject" };
      return { labels, record };
    }),
  );
  const samples = (valueOf: (record: MetricRecord) => number | undefined) =>
    all.map(({ labels, record }) => ({ labels, value: valueOf(record) }));
  return [
    {
      name: "keda_scaler_metrics_value",
      type: "gauge",
      help: "Value of a trigger's metric when it was read last.",
      samples: samples(({ figures }) => figures?.value),
    },
    {
      name: "keda_scaler_metrics_latency_seconds",
      type: "gauge",
      help: "How long reading the metric took.",
      samples: samples(({ figures }) => figures?.latencySeconds),
    },
    {
      name: "keda_scaler_active",
      type: "gauge",
      help: "Whether the trigger is active.",
      samples: samples(({ figures }) => (figures === undefined ? undefined : Number(figures.isActive))),
    },
    {
      name: "keda_scaler_detail_errors_total",
      type: "counter",
      help: "Polls in which the metric could not be read.",
      samples: samples(({ errorCount }) => errorCount),
    },
  ];
}

function objectFamilies(objects: readonly ObjectRecord[]): readonly Family[] {
  const samples = (valueOf: (record: ObjectRecord) => number | undefined) =>
    objects.map((record) => ({
      labels: { namespace: record.namespace, scaledObject: record.name },
      value: valueOf(record),
    }));
  return [
    {
      name: "keda_scaled_object_paused",
      type: "gauge",
      help: "Whether an annotation pauses the ScaledObject.",
      samples: samples(({ isPaused }) => Number(isPaused)),
    },
    {
      name: "keda_scaled_object_errors_total",
      type: "counter",
      help: "Reconciles and polls of the ScaledObject that failed.",
      samples: samples(({ errorCount }) => errorCount),
    },
    {
      name: "keda_internal_scale_loop_latency_seconds",
      type: "gauge",
      help: "How much later than planned the last poll began.",
      samples: objects.map(({ namespace, name, latenessSeconds }) => ({
        labels: { namespace, resource: name, type: "scaledobject" },
        value: latenessSeconds,
      })),
    },
    { name: "keda_trigger_registered_total", type: "gauge", help: "Triggers by type.", samples: byType(objects) },
    {
      name: "keda_resource_registered_total",
      type: "gauge",
      help: "ScaledObjects by namespace.",
      samples: counted(objects.map(({ namespace }) => namespace)).map(([namespace, value]) => ({
        labels: { type: "scaled_object", namespace },
        value,
      })),
    },
  ];
}

function byType(objects: readonly ObjectRecord[]): Family["samples"] {
  return counted(objects.flatMap(({ types }) => types)).map(([type, value]) => ({ labels: { type }, value }));
}

function counted(words: readonly string[]): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts];
}

function format({ name, type, help, samples }: Family): string {
  const lines = samples.flatMap(({ labels, value }) =>
    value === undefined ? [] : [`${name}{${formatLabels(labels)}} ${formatValue(value)}\n`],
  );
  return lines.length === 0 ? "" : `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

function formatLabels(labels: Labels): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}="${String(value).replace(/[\\"]/g, "\\$&").replace(/\n/g, "\\n")}"`)
    .join(",");
}

function formatValue(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}

import { err, ok, parseDuration, type Result } from "#base";

/** What the operator is told on its command line. Source: flagger-spec 8.3. */
export interface OperatorFlags {
  readonly kubeconfig: string;
  readonly metricsServer: string;
  readonly meshProvider: string;
  readonly namespace: string;
  readonly selectorLabels: readonly string[];
  readonly labelPrefixes: readonly string[];
  readonly tracksConfigs: boolean;
  readonly logLevel: string;
  readonly port: number;
  readonly eventWebhook: string;
  readonly isLeaderElected: boolean;
  readonly leaderElectionNamespace: string;
  /** Requests a second to the API server, and how many at once; watches are not counted. */
  readonly kubeQps: number;
  readonly kubeBurst: number;
  /** Receiver of traces (OTLP over HTTP); empty for none. */
  readonly otlpEndpoint: string;
  readonly workerCount: number;
  readonly minIntervalMs: number;
  readonly wantsHelp: boolean;
  readonly wantsVersion: boolean;
  /** Flags of Flagger that have no effect here, as given. */
  readonly ignored: readonly string[];
}

interface FlagRule {
  readonly name: string;
  readonly kind: "text" | "boolean" | "number" | "duration";
  readonly default: string;
  readonly help: string;
  /** Known to Flagger, without effect here. */
  readonly isIgnored?: boolean;
}

const ignored = (name: string, kind: FlagRule["kind"] = "text"): FlagRule => ({
  name,
  kind,
  default: "",
  help: "accepted for Flagger's sake, without effect",
  isIgnored: true,
});

const rules: readonly FlagRule[] = [
  {
    name: "kubeconfig",
    kind: "text",
    default: "",
    help: "path of a kubeconfig; without it the pod's service account, else KUBECONFIG or ~/.kube/config",
  },
  {
    name: "metrics-server",
    kind: "text",
    default: "http://prometheus:9090",
    help: "address of the Prometheus for built-in metrics and inline queries",
  },
  { name: "mesh-provider", kind: "text", default: "istio", help: "service mesh; istio" },
  { name: "namespace", kind: "text", default: "", help: "namespace to watch; all without it" },
  {
    name: "selector-labels",
    kind: "text",
    default: "app,name,app.kubernetes.io/name",
    help: "label keys that tell the pods of a target, first match counts",
  },
  {
    name: "include-label-prefix",
    kind: "text",
    default: "",
    help: "prefixes of labels and annotations copied to the primary, * for all",
  },
  {
    name: "enable-config-tracking",
    kind: "boolean",
    default: "true",
    help: "track ConfigMaps and Secrets of the target",
  },
  { name: "log-level", kind: "text", default: "info", help: "debug, info, warning or error" },
  { name: "port", kind: "number", default: "8080", help: "port of /metrics, /healthz and /readyz; 0 picks a free one" },
  { name: "event-webhook", kind: "text", default: "", help: "URL that gets every event" },
  { name: "enable-leader-election", kind: "boolean", default: "false", help: "let one of several operators work" },
  {
    name: "leader-election-namespace",
    kind: "text",
    default: "kube-system",
    help: "namespace of the lease, unless -namespace is set",
  },
  { name: "kubeconfig-qps", kind: "number", default: "100", help: "requests a second to the API server" },
  { name: "kubeconfig-burst", kind: "number", default: "250", help: "requests to the API server at once" },
  {
    name: "otlp-endpoint",
    kind: "text",
    default: "",
    help: "URL of an OpenTelemetry collector (OTLP over HTTP) that gets traces; also OTEL_EXPORTER_OTLP_ENDPOINT",
  },
  { name: "threadiness", kind: "number", default: "8", help: "canaries worked on at once" },
  { name: "min-interval", kind: "duration", default: "10s", help: "lower bound of analysis intervals" },
  { name: "version", kind: "boolean", default: "false", help: "print the version" },
  { name: "help", kind: "boolean", default: "false", help: "print this" },
  ...["master", "kubeconfig-service-mesh", "slack-url", "slack-token", "slack-proxy-url", "slack-user"].map((name) =>
    ignored(name),
  ),
  ...["slack-channel", "msteams-url", "msteams-proxy-url", "ingress-annotations-prefix", "ingress-class"].map((name) =>
    ignored(name),
  ),
  ...["zap-encoding", "cluster-name", "control-loop-interval"].map((name) => ignored(name)),
  ignored("zap-replace-globals", "boolean"),
  ignored("no-cross-namespace-refs", "boolean"),
];

/** Reads Go-style flags: one dash or two, `-name value` or `-name=value`, booleans also bare. Later ones win. */
export function parseFlags(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Result<OperatorFlags, string> {
  const given = new Map<string, string>();
  const unused: string[] = [];
  const args = [...argv];
  for (let arg = args.shift(); arg !== undefined; arg = args.shift()) {
    const match = /^--?([a-z][a-z0-9-]*)(?:=([\s\S]*))?$/.exec(arg);
    const rule = rules.find((candidate) => candidate.name === (match?.[1] === "h" ? "help" : match?.[1]));
    if (rule === undefined) return err(`"${arg}" is no flag of the operator; -help lists them`);
    const value = match?.[2] ?? (rule.kind === "boolean" ? "true" : args.shift());
    if (value === undefined) return err(`-${rule.name} needs a value`);
    const fault = faultOf(rule, value);
    if (fault !== undefined) return err(`-${rule.name}: ${fault}`);
    if (rule.isIgnored === true) unused.push(`-${rule.name}`);
    given.set(rule.name, value);
  }
  return ok(flagsOf((name) => given.get(name) ?? defaultOf(name), { env, ignored: unused }));
}

function flagsOf(
  valueOf: (name: string) => string,
  context: { env: Readonly<Record<string, string | undefined>>; ignored: readonly string[] },
): OperatorFlags {
  const minInterval = parseDuration(valueOf("min-interval"));
  return {
    kubeconfig: valueOf("kubeconfig"),
    metricsServer: valueOf("metrics-server"),
    meshProvider: valueOf("mesh-provider"),
    namespace: valueOf("namespace"),
    selectorLabels: listOf(valueOf("selector-labels")),
    labelPrefixes: listOf(valueOf("include-label-prefix")),
    tracksConfigs: isTrue(valueOf("enable-config-tracking")),
    logLevel: valueOf("log-level"),
    port: Number(valueOf("port")),
    // The variable wins over the flag, as in Flagger.
    eventWebhook: context.env.EVENT_WEBHOOK_URL || valueOf("event-webhook"),
    isLeaderElected: isTrue(valueOf("enable-leader-election")),
    leaderElectionNamespace: valueOf("namespace") || valueOf("leader-election-namespace"),
    kubeQps: Math.max(1, Number(valueOf("kubeconfig-qps"))),
    kubeBurst: Math.max(1, Number(valueOf("kubeconfig-burst"))),
    otlpEndpoint: context.env.OTEL_EXPORTER_OTLP_ENDPOINT || valueOf("otlp-endpoint"),
    workerCount: Math.max(1, Number(valueOf("threadiness"))),
    minIntervalMs: minInterval.ok ? minInterval.value : 10_000,
    wantsHelp: isTrue(valueOf("help")),
    wantsVersion: isTrue(valueOf("version")),
    ignored: context.ignored,
  };
}

/** The flags, one a line. */
export function flagsHelp(): string {
  const lines = rules
    .filter((rule) => rule.isIgnored !== true)
    .map(
      ({ name, default: value, help }) => `  -${name.padEnd(26)} ${help}${value === "" ? "" : ` (default ${value})`}`,
    );
  return `Usage: serin operator [flags]\n\n${lines.join("\n")}\n\nExamples:\n  serin operator -metrics-server=http://prometheus.istio-system:9090\n  serin operator -kubeconfig ~/.kube/config -namespace shop -log-level debug\n`;
}

function faultOf(rule: FlagRule, value: string): string | undefined {
  if (rule.kind === "boolean" && !/^(?:true|false|1|0|t|f)$/i.test(value))
    return `"${value}" is no boolean; write true or false`;
  if (rule.kind === "number" && !/^\d{1,5}$/.test(value)) return `"${value}" is no whole number`;
  if (rule.kind !== "duration") return undefined;
  const parsed = parseDuration(value);
  if (!parsed.ok) return parsed.error;
  return parsed.value >= 100 ? undefined : `"${value}" is too short; write at least 100ms`;
}

function defaultOf(name: string): string {
  return rules.find((rule) => rule.name === name)?.default ?? "";
}

function listOf(text: string): string[] {
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

function isTrue(text: string): boolean {
  return /^(?:true|1|t)$/i.test(text);
}

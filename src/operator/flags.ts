import { err, ok, parseDuration, type Result } from "#base";
import { type GlobalAlertSettings, globalAlertSettings } from "./alerts/index.ts";
import { routers } from "./routers/index.ts";

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
  readonly clusterName: string;
  readonly ingressAnnotationsPrefix: string;
  readonly forbidsForeignNamespaces: boolean;
  readonly globalAlerts: GlobalAlertSettings;
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
  {
    name: "mesh-provider",
    kind: "text",
    default: "istio",
    help: `what shifts traffic, for Canaries that do not say: ${routers.flatMap(({ providers }) => providers).join(", ")}`,
  },
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
  { name: "cluster-name", kind: "text", default: "", help: "shown in alerts" },
  {
    name: "no-cross-namespace-refs",
    kind: "boolean",
    default: "false",
    help: "let Canaries name templates and providers of their own namespace only",
  },
  {
    name: "ingress-annotations-prefix",
    kind: "text",
    default: "nginx.ingress.kubernetes.io",
    help: "prefix of the annotations that an ingress controller reads",
  },
  { name: "slack-url", kind: "text", default: "", help: "hook that gets alerts which name no provider" },
  { name: "slack-token", kind: "text", default: "", help: "token for it" },
  { name: "slack-proxy-url", kind: "text", default: "", help: "HTTP proxy on the way to it" },
  { name: "slack-user", kind: "text", default: "flagger", help: "user that alerts come from" },
  { name: "slack-channel", kind: "text", default: "", help: "channel that they go to" },
  { name: "msteams-url", kind: "text", default: "", help: "hook of MS Teams, used in the place of Slack" },
  { name: "msteams-proxy-url", kind: "text", default: "", help: "HTTP proxy on the way to it" },
  ignored("control-loop-interval", "duration"),
  ignored("zap-replace-globals", "boolean"),
  ...["master", "kubeconfig-service-mesh", "ingress-class", "zap-encoding"].map((name) => ignored(name)),
  ...["v", "vmodule", "stderrthreshold", "log_backtrace_at", "log_dir", "log_file", "log_file_max_size"].map((name) =>
    ignored(name),
  ),
  ...["logtostderr", "alsologtostderr", "skip_headers", "skip_log_headers", "one_output", "add_dir_header"].map(
    (name) => ignored(name, "boolean"),
  ),
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
    const match = /^--?([a-z][a-z0-9_-]*)(?:=([\s\S]*))?$/.exec(arg);
    const rule = rules.find((candidate) => candidate.name === (match?.[1] === "h" ? "help" : match?.[1]));
    // Its value, or what is no flag at all, may be a token whose flag was misspelt.
    if (rule === undefined) {
      const fault = arg.startsWith("-") ? `"${arg.split("=")[0]}" is no flag of the operator` : "a value has no flag";
      return err(`${fault}; -help lists them`);
    }
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
    clusterName: valueOf("cluster-name"),
    ingressAnnotationsPrefix: valueOf("ingress-annotations-prefix"),
    forbidsForeignNamespaces: isTrue(valueOf("no-cross-namespace-refs")),
    globalAlerts: globalAlertSettings(valueOf, context.env),
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

/** Every flag: those with an effect one a line, then the names of the others. */
export function flagsHelp(): string {
  const lines = rules
    .filter((rule) => rule.isIgnored !== true)
    .map(
      ({ name, default: value, help }) => `  -${name.padEnd(26)} ${help}${value === "" ? "" : ` (default ${value})`}`,
    );
  const unused = rules.filter((rule) => rule.isIgnored === true).map(({ name }) => `-${name}`);
  const flagger = `Accepted for Flagger's sake, without effect:\n  ${unused.join(" ")}`;
  return `Usage: serin operator [flags]\n\n${lines.join("\n")}\n\n${flagger}\n\nExamples:\n  serin operator -metrics-server=http://prometheus.istio-system:9090\n  serin operator -kubeconfig ~/.kube/config -namespace shop -log-level debug\n`;
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

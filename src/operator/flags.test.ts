import { expect, test } from "vitest";
import { flagsHelp, parseFlags } from "./flags.ts";

function flagsOf(argv: string[], env = {}) {
  const result = parseFlags(argv, env);
  if (!result.ok) throw new Error(result.error);
  return result.value;
}

test("parseFlags: Flagger's defaults, but for the log level", () => {
  expect(flagsOf([])).toMatchObject({
    metricsServer: "http://prometheus:9090",
    meshProvider: "istio",
    namespace: "",
    selectorLabels: ["app", "name", "app.kubernetes.io/name"],
    labelPrefixes: [],
    tracksConfigs: true,
    port: 8080,
    isLeaderElected: false,
    leaderElectionNamespace: "kube-system",
    minIntervalMs: 10_000,
  });
});

test("parseFlags: one dash or two, with = or a space, booleans bare; the last one wins", () => {
  const argv = ["-namespace=a", "--namespace", "b", "-enable-leader-election", "--enable-config-tracking=false"];
  expect(flagsOf([...argv, "--min-interval=1s"])).toMatchObject({
    namespace: "b",
    leaderElectionNamespace: "b",
    isLeaderElected: true,
    tracksConfigs: false,
    minIntervalMs: 1000,
  });
});

test("parseFlags: variables win over flags, and Flagger's other flags are accepted and named", () => {
  const argv = ["-event-webhook=http://a", "-slack-url=http://s", "-control-loop-interval=10s", "-log_dir=/tmp"];
  const env = {
    EVENT_WEBHOOK_URL: "http://b",
    SLACK_TOKEN: "t",
    SLACK_PROXY_URL: "http://p",
    MSTEAMS_URL: "http://m",
    MSTEAMS_PROXY_URL: "http://q",
  };
  expect(flagsOf(argv, env)).toMatchObject({
    eventWebhook: "http://b",
    globalAlerts: {
      slack: { url: "http://s", token: "t", proxy: "http://p", user: "flagger", channel: "" },
      msteams: { url: "http://m", proxy: "http://q" },
    },
    ignored: ["-control-loop-interval", "-log_dir"],
  });
  expect(flagsOf(["-slack-url=http://s"], { SLACK_URL: "http://e" }).globalAlerts.slack.url).toBe("http://e");
});

test("parseFlags: takes every flag of Flagger 1.44", () => {
  // Source: flagger-spec 8.3, with a value of each kind.
  const text =
    "kubeconfig master kubeconfig-service-mesh metrics-server slack-url slack-token slack-proxy-url slack-user";
  const more = "slack-channel event-webhook msteams-url msteams-proxy-url include-label-prefix zap-encoding namespace";
  const rest = "mesh-provider selector-labels ingress-annotations-prefix ingress-class leader-election-namespace";
  const texts = `${text} ${more} ${rest} cluster-name log-level`.split(" ");
  const booleans = "zap-replace-globals enable-leader-election enable-config-tracking version no-cross-namespace-refs";
  const numbers = ["kubeconfig-qps", "kubeconfig-burst", "threadiness", "port"];
  const argv = [
    ...texts.map((name) => `-${name}=x`),
    ...booleans.split(" ").map((name) => `-${name}`),
    ...numbers.map((name) => `-${name}=7`),
    "-control-loop-interval=15s",
  ];
  expect(flagsOf(argv)).toMatchObject({
    clusterName: "x",
    ingressAnnotationsPrefix: "x",
    forbidsForeignNamespaces: true,
    workerCount: 7,
    globalAlerts: { slack: { user: "x", channel: "x" } },
  });
});

test.each([
  [["-bogus"], '"-bogus" is no flag'],
  [["namespace"], "a value has no flag"],
  [["-slack-tokn=xoxb-1"], '"-slack-tokn" is no flag'],
  [["-namespace"], "-namespace needs a value"],
  [["-port=x"], '-port: "x" is no whole number'],
  [["-enable-leader-election=maybe"], '"maybe" is no boolean'],
  [["-min-interval=1"], "invalid duration"],
  [["-min-interval=1ms"], "too short"],
])("parseFlags: refuses %j", (argv, message) => {
  const result = parseFlags(argv, {});
  expect(result.ok ? "" : result.error).toContain(message);
});

test("flagsHelp: lists every flag, those without effect by name", () => {
  expect(flagsHelp()).toContain("  -min-interval  ");
  expect(flagsHelp()).toMatch(/without effect:\n {2}.*-zap-encoding/);
  expect(flagsHelp()).toContain("-slack-url");
});

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
  const flags = flagsOf(["-event-webhook=http://a", "-slack-url=http://s", "-control-loop-interval=10s"], {
    EVENT_WEBHOOK_URL: "http://b",
  });
  expect(flags).toMatchObject({ eventWebhook: "http://b", ignored: ["-slack-url", "-control-loop-interval"] });
});

test.each([
  [["-bogus"], '"-bogus" is no flag'],
  [["namespace"], '"namespace" is no flag'],
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
});

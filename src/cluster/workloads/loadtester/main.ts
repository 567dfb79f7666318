import { once } from "node:events";
import { Counter, Gauge, Registry } from "prom-client";
import { durationFlag, type FlagSet, integerFlag, parseGoFlags, stringFlag } from "../go-flags.ts";
import { podAddress } from "../pod-address.ts";
import { createLineLog } from "../line-log.ts";
import { drain, listen } from "../serve-http.ts";
import { createGates } from "./gates.ts";
import { createLoadtesterListener } from "./server.ts";
import { TaskRunner } from "./tasks.ts";

/** Source: Flagger's cmd/loadtester/main.go; the two zap flags are taken and change nothing. */
const flags = {
  port: stringFlag("9090"),
  timeout: durationFlag(3_600_000),
  "log-level": stringFlag("debug"),
  "namespace-regexp": stringFlag(""),
  "zap-replace-globals": stringFlag("false"),
  "zap-encoding": stringFlag("json"),
} as const satisfies FlagSet;

const DRAIN_MS = 2000;

/** The built-in load tester: gates and tasks for Flagger's webhooks, as the image ghcr.io/fluxcd/flagger-loadtester. */
export async function loadtesterMain(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<number> {
  const parsed = parseGoFlags(flags, argv);
  if (!parsed.ok) return refuse(parsed.error);
  const { values, rest } = parsed.value;
  if (rest[0] !== undefined) return refuse(`unknown argument "${rest[0]}"`);
  const port = integerFlag(0).read(values.port, 0);
  if (!port.ok || port.value < 0 || port.value > 65_535)
    return refuse(`-port must be a port, received "${values.port}"`);
  const pattern = compilePattern(values["namespace-regexp"]);
  if (typeof pattern === "string") return refuse(pattern);

  const log = createLineLog(values["log-level"], (line) => process.stdout.write(line));
  const registry = new Registry();
  const ended = new Counter({
    name: "loadtester_tasks_total",
    help: "Tasks that ended, by type and outcome.",
    labelNames: ["type", "outcome"],
    registers: [registry],
  });
  const onEnd = (type: string, isSuccess: boolean): void =>
    ended.inc({ type, outcome: isSuccess ? "success" : "failure" });
  const tasks = new TaskRunner({ timeoutMs: values.timeout, env, log, onEnd });
  registry.registerMetric(runningGauge(tasks));
  const metrics = { contentType: registry.contentType, text: () => registry.metrics() };
  const listener = createLoadtesterListener({ gates: createGates(), tasks, log, namespacePattern: pattern, metrics });
  const host = podAddress(env);
  // Blocking tasks may take as long as their limit; the request must not time out before.
  const server = await listen(listener, { host, port: port.value, timeoutMs: 0 });
  log.info("Starting load tester", { addr: `${host}:${port.value}`, version: env.SERIN_IMAGE_TAG ?? "unknown" });
  if (!signal.aborted) await once(signal, "abort");
  log.info("Shutting down");
  await Promise.all([tasks.close(), drain(server, DRAIN_MS)]);
  return 0;
}

function runningGauge(tasks: TaskRunner): Gauge {
  return new Gauge({
    name: "loadtester_tasks_running",
    help: "Tasks that run now.",
    registers: [],
    collect() {
      this.set(tasks.size);
    },
  });
}

function refuse(message: string): number {
  process.stderr.write(`loadtester: ${message}\n`);
  return 2;
}

/** The pattern comes from whoever starts the load tester, not from requests, so that plain RegExp is safe. */
function compilePattern(text: string): RegExp | undefined | string {
  if (text === "") return undefined;
  try {
    return new RegExp(text);
  } catch (thrown) {
    return `-namespace-regexp: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
  }
}

import { Command, CommanderError } from "commander";
import { Failure, type Log, messageOf } from "#base";
import { runOperator } from "#operator";
import { addPeopleCommands } from "./commands/people.ts";
import { addPlanCommand } from "./commands/plan.ts";
import { addWhyCommand } from "./commands/why.ts";
import { parseDemoOptions, type RawDemoOptions } from "./demo/options.ts";
import { runDemo } from "./demo/run.ts";
import { VERSION } from "./installation.ts";
import { createLog } from "./output/log.ts";
import { type ProgramContext, UsageError } from "./program-context.ts";
import { addSimulate } from "./simulate/command.ts";
import { type RawUpOptions, parseUpOptions, runUp } from "./up.ts";

/** Exit statuses. Source: docs/ARCHITECTURE.md, "Commands". */
const DONE = 0;
const REFUSED = 1;
const WRONG_USAGE = 2;

/** Runs one command line and returns its exit status: 0 done, 1 refused or failed, 2 wrong usage. */
export async function runProgram(context: ProgramContext): Promise<number> {
  const state = { status: DONE };
  const program = buildProgram(context, state);
  try {
    await program.parseAsync([...context.argv], { from: "user" });
    return state.status;
  } catch (thrown) {
    return explain(thrown, context);
  }
}

function explain(thrown: unknown, context: ProgramContext): number {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? DONE : WRONG_USAGE;
  if (context.signal.aborted) return REFUSED;
  if (thrown instanceof UsageError) {
    context.stderr.write(`serin: ${thrown.message}\n`);
    return WRONG_USAGE;
  }
  context.stderr.write(`serin: ${messageOf(thrown)}\n`);
  // A Failure says all that a person needs; anything else is a bug, and its place is what helps.
  if (!(thrown instanceof Failure) && thrown instanceof Error) context.stderr.write(`${thrown.stack ?? ""}\n`);
  return REFUSED;
}

function buildProgram(context: ProgramContext, state: { status: number }): Command {
  const program = new Command("serin")
    .description("Progressive delivery in one control loop: traffic, capacity and verdict move together.")
    .version(VERSION)
    .exitOverride()
    .configureOutput({ writeOut: (text) => context.stdout.write(text), writeErr: (text) => context.stderr.write(text) })
    .showHelpAfterError("(see --help)");
  addUp(program, context);
  addDemo(program, context, state);
  addOperator(program, context, state);
  addPeopleCommands(program, context, state);
  addSimulate(program, context, state);
  addWhyCommand(program, context, state);
  addPlanCommand(program, context, state);
  return program;
}

function addUp(program: Command, context: ProgramContext): void {
  program
    .command("up")
    .description(
      "run a Kubernetes-compatible cluster with mesh, metrics and the operator on this machine, in the foreground",
    )
    .option("--data-dir <path>", "where the cluster keeps its state", ".serin")
    .option("--gateway-port <port>", "port of the ingress gateway on 127.0.0.1; 0 picks a free one", "8080")
    .option("--api-port <port>", "port of the API server on 127.0.0.1; 0 picks a free one", "6443")
    .option("--min-interval <duration>", "shortest analysis interval that the operator accepts", "10s")
    .option("--scrape-interval <duration>", "how often metrics are read", "5s")
    .option("--image <name=command...>", "run an image that is not built in as a command of this machine")
    .option("--log-level <level>", "debug, info, warn or error", "info")
    .addHelpText(
      "after",
      "\nExamples:\n  serin up\n  serin up --data-dir /tmp/a --gateway-port 0 --api-port 0\n  kubectl --kubeconfig .serin/kubeconfig get canaries -A",
    )
    .action(async (raw: RawUpOptions & { logLevel: string }) => {
      const options = parseUpOptions(raw);
      if (!options.ok) throw new UsageError(options.error);
      await runUp({ ...context, options: options.value, log: logAt(raw.logLevel, context) });
    });
}

function addDemo(program: Command, context: ProgramContext, state: { status: number }): void {
  program
    .command("demo")
    .description("roll out a new version under load on a cluster of its own, and show it to the end")
    .option("--fault <fault>", "fault of the new version: errors=20%, latency=800ms or crash")
    .option("--load <shape>", "visitors that come and go on an autoscaled app: ramp, spike or diurnal")
    .option("--method <method>", "how it is judged: sequential (the default) or threshold (the default with --load)")
    .option("--interval <duration>", "analysis interval (default: 2s, with --load 5s)")
    .option(
      "--rps <rate>",
      "requests per second through the gateway (default: 500, with thresholds 100, with --load a peak of 50)",
    )
    .option("--keep", "leave the cluster running after the rollout, until Ctrl-C")
    .option("--json", "end with one line of JSON; progress goes to standard error")
    .option("--log-level <level>", "debug, info, warn or error", "error")
    .addHelpText(
      "after",
      "\nExamples:\n  serin demo\n  serin demo --fault errors=20%\n  serin demo --fault crash --json\n  serin demo --load ramp\n\nExit status: 0 when the outcome is the right one (promotion without a fault,\nrollback with one), else 1.",
    )
    .action(async (raw: RawDemoOptions & { logLevel: string }) => {
      const options = parseDemoOptions(raw);
      if (!options.ok) throw new UsageError(options.error);
      const isExpected = await runDemo({ ...context, options: options.value, log: logAt(raw.logLevel, context) });
      state.status = isExpected ? DONE : REFUSED;
    });
}

function addOperator(program: Command, context: ProgramContext, state: { status: number }): void {
  program
    .command("operator")
    .description("run the operator against a cluster; takes Flagger's flags")
    .allowUnknownOption()
    .helpOption(false)
    .argument("[flags...]")
    .action(async (flags: string[]) => {
      state.status = await runOperator(flags, context.env, context.signal);
    });
}

function logAt(level: string, context: ProgramContext): Log {
  const log = createLog(level, context.stderr);
  if (!log.ok) throw new UsageError(log.error);
  return log.value;
}

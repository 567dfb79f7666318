import { type Command, Option } from "commander";
import { systemClock } from "#kube";
import { type ProgramContext, type ProgramState, UsageError } from "../program-context.ts";
import { runBacktest } from "./backtest.ts";
import { parseSimulateOptions, type RawSimulateOptions } from "./options.ts";
import { runReplay } from "./replay.ts";
import { runSimulate } from "./simulate.ts";

const EXAMPLES = `
Examples:
  serin simulate -f canary.yaml
  serin simulate -f canary.yaml --rps 20 --fault errors=2% --fault latency=x1.5,after=3m --runs 500
  serin simulate -f canary.yaml --require 'falseAbort<=1%' --require 'detection>=99%' --require 'timeToDetect<=4m'
  serin simulate -f canary.yaml --environment metrics-outage,after=5m,for=2m --environment crash=5% --require 'falseAbort<=1%'
  serin simulate -f canary.yaml -o json --plot verdicts.svg
  serin simulate -f canary.yaml --replay release.jsonl
  serin simulate -f canary.yaml --prometheus http://127.0.0.1:9090 --since 30d

Requirements: falseAbort, timeToPromote, timeToPromoteP90 of the healthy release; detection, timeToDetect, timeToDetectP90,
badRequests, badRequestsP90 of each fault. Exit status: 0 when all are met, 1 when one is not, 2 when the command line is wrong.`;

/** Adds `serin simulate` to a program. */
export function addSimulate(program: Command, context: ProgramContext, state: ProgramState): void {
  program
    .command("simulate")
    .description("release a healthy and a faulty version many times on a virtual clock, and tell how the analysis ends")
    .requiredOption("-f, --filename <file>", "manifest with a Canary, among others; - reads standard input")
    .option("--canary <name>", "which Canary of the file, when it has several")
    .option(
      "--fault <fault>",
      "errors=5%, latency=x2, tail=1%@1500ms or leak=0.5%/min, with ,after=3m ,for=5m",
      collect,
    )
    .option(
      "--environment <fault>",
      "around every release: metrics-outage, api-conflicts=10%, crash (each with ,after=5m ,for=2m), slow-pods=60s, mesh-lag=5s, scrape-lag=20s",
      collect,
    )
    .option("--rps <rate>", "requests per second of both copies together", "100")
    .option("--baseline-errors <share>", "share of errors before the release", "0.1%")
    .addOption(
      new Option("--noise <kind>", "how far requests are from independent")
        .choices(["iid", "auto", "burst"])
        .default("auto"),
    )
    .addOption(new Option("--load <shape>", "how the rate changes").choices(["flat", "diurnal"]).default("flat"))
    .option("--runs <count>", "releases of each kind", "200")
    .option("--seed <number>", "the same seed gives the same releases", "1")
    .option("--require <requirement>", "such as falseAbort<=1%; exit status 1 when it is not met", collect)
    .option("--plot <file>", "draw by when releases ended, as SVG")
    .option("--replay <file>", "judge recorded samples (JSON lines) instead of simulated ones")
    .option(
      "--prometheus <url>",
      "judge the service's own past: its releases, and random halves of its pods, which differ by nothing",
    )
    .option("--since <time>", "with --prometheus: how far back", "30d")
    .option("--step <duration>", "with --prometheus: how often the pods are scraped", "30s")
    .option("--pod-label <name>", "with --prometheus: the label that names the pod", "pod")
    .addOption(new Option("-o, --output <format>", "how to print").choices(["text", "json"]).default("text"))
    .addHelpText("after", EXAMPLES)
    .action(async (raw: RawSimulateOptions) => {
      const options = parseSimulateOptions(raw, systemClock.nowMs());
      if (!options.ok) throw new UsageError(options.error);
      const { replayPath, backtest } = options.value;
      if (replayPath !== undefined) return runReplay(context, options.value, replayPath);
      const isMet =
        backtest === undefined
          ? await runSimulate(context, options.value)
          : await runBacktest(context, options.value, backtest);
      state.status = isMet ? 0 : 1;
    });
}

function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

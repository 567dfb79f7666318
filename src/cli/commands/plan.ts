import type { Command } from "commander";
import { Failure, formatProblem, parseDuration } from "#base";
import { planRoad, readSettings } from "#rollout";
import { paintFor } from "../output/paint.ts";
import { roadLines } from "../output/road-text.ts";
import { pageWidth } from "../output/wrap.ts";
import { type ProgramContext, type ProgramState, UsageError } from "../program-context.ts";
import { addClusterOptions, type ClusterOptions, connect } from "./connection.ts";
import { findCanary } from "./find-canary.ts";
import { loadOf, type PlanSubject, subjectInCluster, subjectInFile } from "./plan-subject.ts";

/** `serin plan`: the road of the next release, before it starts. */

interface RawOptions extends ClusterOptions {
  readonly filename?: string;
  readonly rps?: string;
  readonly errorRate: string;
  readonly scrapeInterval: string;
  readonly minInterval: string;
}

export function addPlanCommand(program: Command, context: ProgramContext, state: ProgramState): void {
  const command = program
    .command("plan")
    .description("show the road of a release before it starts: steps, pods, times, what its checks can find out")
    .argument("[canary]", "name of the Canary; may be left out when the namespace or the file has one")
    .option(
      "-f, --filename <path>",
      "plan the Canary of a file, with the Deployment and autoscaler in it; no cluster is asked",
    )
    .option("--rps <number>", "requests per second of the service; as last measured without it")
    .option("--error-rate <percent>", "share of the primary's requests that fail", "0.1%")
    .option("--scrape-interval <duration>", "how often the metrics are read", "15s")
    .option("--min-interval <duration>", "shortest analysis interval that the operator accepts", "10s");
  addClusterOptions(command)
    .addHelpText(
      "after",
      "\nExamples:\n  serin plan web -n shop\n  serin plan web -n shop --rps 400\n  serin plan -f canary.yaml --rps 20 -o json\n\nExit status: 0 when there is a plan, 1 when the Canary cannot be run or is not\nthere, 2 for a wrong command line.",
    )
    .action(async (name: string | undefined, raw: RawOptions) => {
      const asked = parseAsked(raw);
      const subject =
        raw.filename === undefined ? await inCluster(name, raw, context) : subjectInFile(raw.filename, name);
      print(subject, { raw, asked }, context);
      state.status = 0;
    });
}

async function inCluster(name: string | undefined, raw: RawOptions, { env }: ProgramContext): Promise<PlanSubject> {
  const { client, namespace } = await connect(raw, env);
  try {
    return await subjectInCluster(client, await findCanary(client, { namespace, name }));
  } finally {
    await client.close();
  }
}

interface Asked {
  readonly requestsPerSecond: number | undefined;
  readonly errorRate: number;
  readonly scrapeIntervalMs: number;
  readonly minIntervalMs: number;
}

function parseAsked({ rps, errorRate, scrapeInterval, minInterval }: RawOptions): Asked {
  return {
    requestsPerSecond: rps === undefined ? undefined : numberOf("--rps", rps, { max: 1e9 }),
    errorRate: numberOf("--error-rate", errorRate.replace(/%$/, ""), { max: 50 }) / 100,
    scrapeIntervalMs: durationOf("--scrape-interval", scrapeInterval),
    minIntervalMs: durationOf("--min-interval", minInterval),
  };
}

function numberOf(option: string, text: string, { max }: { max: number }): number {
  const value = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (value >= 0 && value <= max) return value;
  throw new UsageError(`${option}: "${text}" is no number from 0 to ${max}`);
}

function durationOf(option: string, text: string): number {
  const parsed = parseDuration(text);
  if (!parsed.ok) throw new UsageError(`${option}: ${parsed.error}`);
  if (parsed.value > 0) return parsed.value;
  throw new UsageError(`${option}: "${text}" is not above zero`);
}

function print(
  subject: PlanSubject,
  { raw, asked }: { readonly raw: RawOptions; readonly asked: Asked },
  { stdout, env }: ProgramContext,
): void {
  const { canary } = subject;
  const { namespace = raw.namespace ?? "default", name = "" } = canary.metadata;
  const settings = readSettings(canary, { minIntervalMs: asked.minIntervalMs });
  if (!settings.ok)
    throw new Failure(`Cannot plan "${namespace}/${name}": ${settings.error.map(formatProblem).join("; ")}`, {
      code: "InvalidSpec",
    });
  const load = loadOf(subject, asked.requestsPerSecond);
  const road = planRoad({ settings: settings.value, load }, asked);
  const { intervalMs, threshold } = settings.value;
  const { requestsPerSecond } = load;
  const { errorRate } = asked;
  if (raw.output === "json")
    return void stdout.write(`${JSON.stringify({ namespace, canary: name, load, ...road })}\n`);
  const about = { namespace, canary: name, intervalMs, threshold, requestsPerSecond, errorRate };
  const layout = { width: pageWidth(stdout), paint: paintFor(stdout, env) };
  stdout.write(`${roadLines(road, about, layout).join("\n").trimEnd()}\n`);
}

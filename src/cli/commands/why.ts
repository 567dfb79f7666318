import type { Command } from "commander";
import { type Canary, type ConfigMap, resources } from "#api";
import { Failure } from "#base";
import type { KubeClient } from "#kube";
import { readRuns, runMapName } from "#operator";
import { completeStatus } from "#rollout";
import { paintFor } from "../output/paint.ts";
import { whyLines } from "../output/why-text.ts";
import { oneLine, pageWidth } from "../output/wrap.ts";
import { type ProgramContext, type ProgramState, UsageError } from "../program-context.ts";
import { addClusterOptions, type ClusterOptions, connect } from "./connection.ts";
import { readCanary } from "./find-canary.ts";
import { reportOf } from "./why-report.ts";

/** `serin why`: what was decided about a release, what it was decided from, and what would have changed it. */

interface RawOptions extends ClusterOptions {
  readonly run?: string;
  readonly all?: boolean;
}

const MAX_LISTED_COUNT = 100;

export function addWhyCommand(program: Command, context: ProgramContext, state: ProgramState): void {
  const command = program
    .command("why")
    .description("say why a release is where it is: what was seen, decided and done, and what would have changed it")
    .argument("[canary]", "name of the Canary; without it the only one of the namespace, or a list of them")
    .option("--run <number>", "an earlier run; the last one without it")
    .option("--all", "every decision that is kept, not only the last twelve");
  addClusterOptions(command)
    .addHelpText(
      "after",
      "\nExamples:\n  serin why web -n shop\n  serin why web -n shop --run 3\n  serin why -n shop -o json\n\nExit status: 0 when it is explained, 1 when it cannot be (no such Canary or run,\nnothing kept), 2 for a wrong command line.",
    )
    .action(async (name: string | undefined, raw: RawOptions) => {
      state.status = await runWhy(name, raw, context);
    });
}

async function runWhy(name: string | undefined, raw: RawOptions, context: ProgramContext): Promise<number> {
  const runNumber = numberOf(raw.run);
  const { client, namespace } = await connect(raw, context.env);
  try {
    const canaries =
      name === undefined
        ? await canariesOf(client, namespace, context)
        : [await readCanary(client, { namespace, name })];
    const [only, ...others] = canaries;
    if (only === undefined) throw noCanary(namespace);
    if (others.length > 0) await printList(canaries, { client, namespace, raw }, context);
    else print(only, await mapOf(client, only), { raw, runNumber, context });
    return 0;
  } finally {
    await client.close();
  }
}

function numberOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new UsageError(`--run: "${text}" is no number of a run; serin why names those that are kept`);
}

function noCanary(namespace: string): Failure {
  return new Failure(`Cannot find a Canary in namespace "${namespace}"; name another namespace with -n`, {
    code: "CanaryNotFound",
  });
}

async function canariesOf(
  client: KubeClient,
  namespace: string,
  { stderr }: ProgramContext,
): Promise<readonly Canary[]> {
  const { items, metadata } = await client.list<Canary>(resources.canaries, { namespace, limit: MAX_LISTED_COUNT });
  if (metadata.continue !== undefined && metadata.continue !== "")
    stderr.write(
      `serin: only the first ${MAX_LISTED_COUNT} Canaries of namespace "${namespace}" are listed; name the one that you want\n`,
    );
  return items;
}

function mapOf(client: KubeClient, { metadata }: Canary): Promise<ConfigMap | undefined> {
  const { namespace = "", name = "" } = metadata;
  return client.get<ConfigMap>(resources.configMaps, { namespace, name: runMapName(name) });
}

function print(
  canary: Canary,
  map: ConfigMap | undefined,
  of: { readonly raw: RawOptions; readonly runNumber: number | undefined; readonly context: ProgramContext },
): void {
  const { raw, runNumber, context } = of;
  const report = reportOf(canary, map, runNumber);
  const { stdout, env } = context;
  if (raw.output === "json") return void stdout.write(`${JSON.stringify(report)}\n`);
  const layout = { width: pageWidth(stdout), paint: paintFor(stdout, env), isWhole: raw.all === true };
  stdout.write(`${whyLines(report, layout).join("\n").trimEnd()}\n`);
}

/** One line for each Canary: where it is, and the sentence of its last run. */
async function printList(
  canaries: readonly Canary[],
  of: { readonly client: KubeClient; readonly namespace: string; readonly raw: RawOptions },
  { stdout }: ProgramContext,
): Promise<void> {
  const { client, namespace, raw } = of;
  if (raw.run !== undefined) throw new UsageError("--run needs the name of a Canary: there are several");
  const labelSelector = "app.kubernetes.io/managed-by=serin";
  const maps = await client.list<ConfigMap>(resources.configMaps, {
    namespace,
    labelSelector,
    limit: MAX_LISTED_COUNT,
  });
  const byName = new Map(maps.items.map((map) => [map.metadata.name, map]));
  const rows = canaries.map((canary) => rowOf(canary, byName.get(runMapName(canary.metadata.name ?? ""))));
  if (raw.output === "json") return void stdout.write(`${JSON.stringify(rows)}\n`);
  const nameWidth = Math.max(...rows.map((row) => row.canary.length));
  const phaseWidth = Math.max(...rows.map((row) => row.phase.length));
  const width = pageWidth(stdout);
  for (const row of rows) {
    const line = `${row.canary.padEnd(nameWidth)}  ${row.phase.padEnd(phaseWidth)}  ${`${row.weight}%`.padStart(4)}  ${row.sentence}`;
    stdout.write(`${line.length > width ? `${line.slice(0, width - 1)}…` : line}\n`);
  }
}

interface Row {
  readonly canary: string;
  readonly phase: string;
  readonly weight: number;
  readonly sentence: string;
}

function rowOf(canary: Canary, map: ConfigMap | undefined): Row {
  const { phase, canaryWeight: weight } = completeStatus(canary.status);
  const hasRuns = readRuns(map).runs.length > 0;
  const sentence = hasRuns ? sentenceOf(canary, map) : "no release of it is kept";
  return { canary: canary.metadata.name ?? "", phase: phase === "" ? "-" : phase, weight, sentence: oneLine(sentence) };
}

function sentenceOf(canary: Canary, map: ConfigMap | undefined): string {
  try {
    return reportOf(canary, map).sentence;
  } catch (thrown) {
    // One that cannot be explained is no reason to leave out the others.
    if (thrown instanceof Failure) return thrown.message;
    throw thrown;
  }
}

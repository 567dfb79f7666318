import { Failure, messageOf } from "#base";
import type { Figures } from "../test/bench/figures.ts";
import { interruptible } from "../test/bench/live-context.ts";
import { type BenchOptions, parseBenchOptions } from "./bench-options.ts";

/** The benchmarks by name; each is loaded only when it is asked for. */
const benches: Readonly<Record<string, (options: BenchOptions) => Promise<Figures>>> = {
  start: async () => (await import("../test/bench/start.ts")).benchStart(),
  proxy: async () => (await import("../test/bench/proxy.ts")).benchProxy(),
  operator: async () => (await import("../test/bench/operator.ts")).benchOperator(),
  capacity: async ({ live, plot }) => {
    if (!live) return (await import("../test/bench/capacity.ts")).benchCapacity(plot);
    const { benchCapacityLive } = await import("../test/bench/capacity-live.ts");
    return interruptible(benchCapacityLive);
  },
  verdicts: async ({ live, full, runCount }) => {
    if (!live) return (await import("../test/bench/verdicts.ts")).benchVerdicts(full);
    const { benchVerdictsLive } = await import("../test/bench/verdicts-live.ts");
    return interruptible((context) => benchVerdictsLive(runCount, context));
  },
  simulator: async () => (await import("../test/bench/simulator.ts")).benchSimulator(),
  promql: async () => (await import("../test/bench/promql.ts")).benchPromql(),
};

/**
 * `npm run bench -- NAME [--json] [--plot] [--live] [--full] [--runs N]`: measures, prints a table, with `--json` one last line for
 * programs. Of capacity: `--plot` draws pictures. Of capacity and verdicts: `--live` measures on the embedded cluster instead of the
 * simulator. Of verdicts: `--full` makes as many runs as the goals were set with; `--live --runs N` makes N healthy releases and
 * half as many of each bad kind, and ends with exit status 1 when an aim is not met.
 */
async function main(): Promise<void> {
  const options = parseBenchOptions(process.argv.slice(2), Object.keys(benches));
  if (!options.ok) {
    console.error(`bench: ${options.error}`);
    process.exitCode = 2;
    return;
  }
  const { name, json, live } = options.value;
  const figures = (await benches[name]?.(options.value)) ?? {};
  for (const [key, figure] of Object.entries(figures)) {
    const aim = figure.aim === undefined ? "" : `   aim ${figure.aim}: ${figure.met === true ? "met" : "not met"}`;
    console.log(`${key.padEnd(32)} ${String(figure.value).padStart(10)} ${figure.unit}${aim}`);
  }
  if (json) console.log(JSON.stringify({ bench: name, figures }));
  // The other benchmarks measure how much; this one shows that it works.
  const isProof = name === "verdicts" && live;
  if (isProof && Object.values(figures).some(({ met }) => met === false)) process.exitCode = 1;
}

try {
  await main();
} catch (thrown) {
  console.error(`bench: ${messageOf(thrown)}`);
  // A Failure says all that a person needs; of anything else its place is what helps.
  if (!(thrown instanceof Failure) && thrown instanceof Error) console.error(thrown.stack);
  process.exitCode = 1;
}

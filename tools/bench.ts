import type { Figures } from "../test/bench/figures.ts";

const FLAGS = ["--json", "--plot", "--live", "--full"];

/** The benchmarks by name; each is loaded only when it is asked for. */
const benches: Readonly<Record<string, () => Promise<Figures>>> = {
  start: async () => (await import("../test/bench/start.ts")).benchStart(),
  proxy: async () => (await import("../test/bench/proxy.ts")).benchProxy(),
  operator: async () => (await import("../test/bench/operator.ts")).benchOperator(),
  capacity: async () =>
    process.argv.includes("--live")
      ? (await import("../test/bench/capacity-live.ts")).benchCapacityLive()
      : (await import("../test/bench/capacity.ts")).benchCapacity(),
  verdicts: async () => (await import("../test/bench/verdicts.ts")).benchVerdicts(),
  simulator: async () => (await import("../test/bench/simulator.ts")).benchSimulator(),
  promql: async () => (await import("../test/bench/promql.ts")).benchPromql(),
};

/**
 * `npm run bench -- NAME [--json] [--plot] [--live] [--full]`: measures, prints a table, with `--json` one last line for programs.
 * Of capacity alone: `--plot` draws pictures, `--live` measures on the embedded cluster instead of the simulator. Of verdicts alone:
 * `--full` makes as many runs as the goals were set with.
 */
async function main(): Promise<void> {
  const [name = "", ...flags] = process.argv.slice(2);
  const bench = benches[name];
  if (bench === undefined || flags.some((flag) => !FLAGS.includes(flag))) {
    console.error(
      `usage: npm run bench -- ${Object.keys(benches).join("|")} [--json] [--plot] [--live] [--full]; received "${process.argv.slice(2).join(" ")}"`,
    );
    process.exitCode = 2;
    return;
  }
  const figures = await bench();
  for (const [key, figure] of Object.entries(figures)) {
    const aim = figure.aim === undefined ? "" : `   aim ${figure.aim}: ${figure.met === true ? "met" : "not met"}`;
    console.log(`${key.padEnd(32)} ${String(figure.value).padStart(10)} ${figure.unit}${aim}`);
  }
  if (flags.includes("--json")) console.log(JSON.stringify({ bench: name, figures }));
}

await main();

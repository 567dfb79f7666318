import { err, ok, type Result } from "#base";

/** What `npm run bench` was asked for. */
export interface BenchOptions {
  readonly name: string;
  readonly json: boolean;
  /** Of capacity: draws pictures. */
  readonly plot: boolean;
  /** Of capacity and verdicts: with real requests on the embedded cluster instead of the simulator. */
  readonly live: boolean;
  /** Of verdicts: as many runs as the goals were set with. */
  readonly full: boolean;
  /** Of verdicts, live: healthy releases; half as many of each bad kind. */
  readonly runCount: number;
}

const FLAGS = ["json", "plot", "live", "full"] as const;
const RUNS_DEFAULT = 20;
const RUNS_MAX = 1000;

/** Parses the words behind `npm run bench --`; the error quotes what is wrong and says what to write. */
export function parseBenchOptions(argv: readonly string[], names: readonly string[]): Result<BenchOptions, string> {
  const [name = "", ...words] = argv;
  if (!names.includes(name)) return err(`"${name}" is no benchmark; write one of ${names.join(", ")}`);
  const given = new Set<string>();
  let runCount: number | undefined;
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? "";
    const flag = FLAGS.find((one) => `--${one}` === word);
    if (flag !== undefined) given.add(flag);
    else if (word === "--runs") runCount = countOf(words[++index] ?? "");
    else return err(`"${word}" is no option; write ${FLAGS.map((one) => `--${one}`).join(", ")} or --runs N`);
    if (runCount !== undefined && Number.isNaN(runCount))
      return err(`--runs: "${words[index] ?? ""}" is no number of releases; write one from 1 to ${RUNS_MAX}`);
  }
  const [json, plot, live, full] = FLAGS.map((flag) => given.has(flag));
  if (runCount !== undefined && !(name === "verdicts" && live === true))
    return err("--runs is of verdicts --live alone; leave it out, or write verdicts --live --runs N");
  const flags = { json: json === true, plot: plot === true, live: live === true, full: full === true };
  return ok({ name, ...flags, runCount: runCount ?? RUNS_DEFAULT });
}

function countOf(text: string): number {
  return /^[1-9]\d{0,3}$/.test(text) && Number(text) <= RUNS_MAX ? Number(text) : Number.NaN;
}

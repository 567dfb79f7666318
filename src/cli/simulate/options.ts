import { err, ok, parseDuration, type Result } from "#base";
import type { Environment, Load, NamedFault, Noise } from "#simulator";
import { parseEnvironment } from "./parse-environment.ts";
import { parseFault, parseShare } from "./parse-fault.ts";
import { parseRequirement, type Requirement } from "./requirements.ts";

/** Options of `serin simulate`, parsed. */
export interface SimulateOptions {
  /** `-` is standard input. */
  readonly file: string;
  /** Which Canary of the file, when it has several. */
  readonly canaryName: string | undefined;
  readonly faults: readonly NamedFault[];
  /** What goes wrong around every release, and the texts that say so. */
  readonly environment: Environment;
  readonly environmentTexts: readonly string[];
  readonly requestsPerSecond: number;
  readonly errorRate: number;
  readonly noise: Noise;
  readonly load: Load;
  readonly runCount: number;
  readonly seed: number;
  readonly requirements: readonly Requirement[];
  readonly plotPath: string | undefined;
  readonly replayPath: string | undefined;
  readonly backtest: BacktestOptions | undefined;
  readonly output: "text" | "json";
}

/** Where a service's past is read. */
export interface BacktestOptions {
  readonly server: URL;
  readonly sinceMs: number;
  readonly stepMs: number;
  readonly podLabel: string;
  readonly nowMs: number;
}

/** What the command line gave, as text. */
export interface RawSimulateOptions {
  readonly filename: string;
  readonly canary?: string;
  readonly fault?: readonly string[];
  readonly environment?: readonly string[];
  readonly rps: string;
  readonly baselineErrors: string;
  readonly noise: Noise;
  readonly load: Load;
  readonly runs: string;
  readonly seed: string;
  readonly require?: readonly string[];
  readonly plot?: string;
  readonly replay?: string;
  readonly prometheus?: string;
  readonly since: string;
  readonly step: string;
  readonly podLabel: string;
  readonly output: "text" | "json";
}

const RPS_MAX = 10_000_000;
const RUNS_MAX = 100_000;
const FAULTS_MAX = 20;
const ENVIRONMENT_MAX = 50;
/** What is tried when nothing is asked for: a release that fails loudly, one that fails quietly, and one that is slow. */
const DEFAULT_FAULTS = ["errors=5%", "errors=1%", "latency=x2"];

/** Parses the options; the error quotes the value and says what to write instead. */
export function parseSimulateOptions(raw: RawSimulateOptions, nowMs: number): Result<SimulateOptions, string> {
  const faults = all((raw.fault ?? DEFAULT_FAULTS).map(parseFault));
  if (!faults.ok) return faults;
  if (faults.value.length > FAULTS_MAX)
    return err(`--fault: ${faults.value.length} faults are too many; ${FAULTS_MAX} at most`);
  const environmentTexts = raw.environment ?? [];
  if (environmentTexts.length > ENVIRONMENT_MAX)
    return err(`--environment: ${environmentTexts.length} of them are too many; ${ENVIRONMENT_MAX} at most`);
  const environment = parseEnvironment(environmentTexts);
  if (!environment.ok) return environment;
  const requirements = all((raw.require ?? []).map(parseRequirement));
  if (!requirements.ok) return requirements;
  if (raw.replay !== undefined && (raw.fault ?? raw.environment ?? raw.require ?? raw.plot) !== undefined)
    return err("--replay: it judges what was recorded; leave out --fault, --environment, --require and --plot");
  const backtest = parseBacktest(raw, nowMs);
  if (!backtest.ok) return backtest;
  const rps = Number(raw.rps);
  if (!(rps > 0 && rps <= RPS_MAX))
    return err(`--rps: "${raw.rps}" is not a rate; write a number above 0, up to ${RPS_MAX}`);
  const errorRate = parseShare(raw.baselineErrors);
  if (errorRate === undefined)
    return err(`--baseline-errors: "${raw.baselineErrors}" is not a share; write a percentage such as 0.1%`);
  const runCount = wholeNumber(raw.runs, RUNS_MAX);
  if (runCount === undefined || runCount < 1)
    return err(`--runs: "${raw.runs}" is not a number of runs; write a whole number from 1 to ${RUNS_MAX}`);
  const seed = wholeNumber(raw.seed, Number.MAX_SAFE_INTEGER / 2 ** 21);
  if (seed === undefined) return err(`--seed: "${raw.seed}" is not a seed; write a whole number from 0 to 4294967295`);
  return ok({
    file: raw.filename,
    canaryName: raw.canary,
    faults: faults.value,
    environment: environment.value,
    environmentTexts,
    requestsPerSecond: rps,
    errorRate,
    noise: raw.noise,
    load: raw.load,
    runCount,
    seed,
    requirements: requirements.value,
    plotPath: raw.plot,
    replayPath: raw.replay,
    backtest: backtest.value,
    output: raw.output,
  });
}

const LABEL = /^[a-zA-Z_]\w*$/;
const STEP_MIN_MS = 1000;
const STEP_MAX_MS = 300_000;
const DAY_MS = 86_400_000;

function parseBacktest(raw: RawSimulateOptions, nowMs: number): Result<BacktestOptions | undefined, string> {
  if (raw.prometheus === undefined) return ok(undefined);
  if ((raw.fault ?? raw.environment ?? raw.replay ?? raw.plot) !== undefined)
    return err("--prometheus: it judges the past as it was; leave out --fault, --environment, --replay and --plot");
  const server = URL.canParse(raw.prometheus) ? new URL(raw.prometheus) : undefined;
  if (server === undefined || !/^https?:$/.test(server.protocol))
    return err(`--prometheus: "${raw.prometheus}" is not an address; write http://HOST:PORT`);
  const sinceMs = parseSince(raw.since);
  if (sinceMs === undefined) return err(`--since: "${raw.since}" is not a time of 2h or more; write 30d or 12h`);
  const step = parseDuration(raw.step);
  if (!step.ok || step.value < STEP_MIN_MS || step.value > STEP_MAX_MS)
    return err(`--step: "${raw.step}" is not a duration from 1s to 5m; write the scrape interval of the pods`);
  if (!LABEL.test(raw.podLabel)) return err(`--pod-label: "${raw.podLabel}" is not the name of a label`);
  return ok({ server, sinceMs, stepMs: step.value, podLabel: raw.podLabel, nowMs });
}

function parseSince(text: string): number | undefined {
  const days = /^(\d+)d$/.exec(text)?.[1];
  const duration = days === undefined ? parseDuration(text) : ok(Number(days) * DAY_MS);
  return duration.ok && duration.value >= DAY_MS / 12 ? duration.value : undefined;
}

function all<T>(results: readonly Result<T, string>[]): Result<T[], string> {
  const values: T[] = [];
  for (const result of results) {
    if (!result.ok) return result;
    values.push(result.value);
  }
  return ok(values);
}

function wholeNumber(text: string, max: number): number | undefined {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return value <= max ? value : undefined;
}

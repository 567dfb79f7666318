import { Failure, formatDuration, formatProblem } from "#base";
import {
  type RehearsedCase,
  replayRelease,
  type SimulableCanary,
  simulableCanary,
  splitPods,
  randomStream,
  tallyTrials,
  type Trial,
} from "#simulator";
import { openScreen, type Screen } from "../output/screen.ts";
import type { ProgramContext } from "../program-context.ts";
import { figuresOf } from "./figures.ts";
import { type JudgedPast, judgePast } from "./judge-past.ts";
import type { BacktestOptions, SimulateOptions } from "./options.ts";
import { pastJson, pastLines } from "./past-report.ts";
import { readCanary } from "./read-canary.ts";
import { readWindow } from "./read-window.ts";
import { type Report, reportLines, reportJson } from "./report.ts";
import { holdRequirement } from "./requirements.ts";

/** Stretches of the past that are read; each gives many releases, as its pods can be split in many ways. */
const WINDOWS_MAX = 20;
/** What the analysis learns of the service before each release. */
const HISTORY_MS = 3_600_000;
/** Longest release that is looked at. */
const RELEASE_MAX_MS = 3_600_000;
const NO_HALVES =
  "How often a healthy release is rolled back is not known: that takes two pods, and an hour and more of them.";

/**
 * Judges a service's real past: the releases that there were, and releases that changed nothing:
 * random halves of the primary's pods as canary and primary, at random times. What is rolled back of those is rolled back wrongly.
 * True when every requirement is met.
 */
export async function runBacktest(
  context: ProgramContext,
  options: SimulateOptions,
  backtest: BacktestOptions,
): Promise<boolean> {
  const canary = readCanary(options.file, options.canaryName);
  const release = simulableCanary(canary);
  if (!release.ok)
    throw new Failure(`Cannot judge the past for this Canary: ${release.error.map(formatProblem).join("; ")}`, {
      code: "BadManifest",
    });
  const { namespace = "default", name = "" } = canary.metadata;
  const target = canary.spec.targetRef.name;
  const workload = `${target}-primary`;
  const { server, podLabel, sinceMs } = backtest;
  const screen = openScreen(context.stderr, context.env);
  const service = { server, namespace, workload, podLabel };
  let past: JudgedPast;
  let trials: Trial[];
  try {
    const question = { ...backtest, release: release.value, service: { server, namespace, podLabel, target } };
    past = await judgePast(question, screen, context.signal);
    trials = await trialsOf({ release: release.value, service, options, backtest }, screen, context.signal);
  } finally {
    screen.draw([]);
    screen.finish();
  }
  if (trials.length === 0 && (past.releases.length === 0 || options.requirements.length > 0))
    throw new Failure(
      `Found no two pods with ${selection(service)} in the last ${formatDuration(sinceMs)}, or less than ${formatDuration(HISTORY_MS)} of them; name the pods' label with --pod-label`,
      { code: "PrometheusUnusable" },
    );
  const healthy: RehearsedCase = { name: "healthy", isHealthy: true, trials, tally: tallyTrials(trials) };
  const cases = trials.length === 0 ? [] : [figuresOf(healthy)];
  const report: Report = {
    title: `${namespace}/${name}: ${canary.spec.analysis.method ?? "threshold"}, halves of the pods of ${workload} in the last ${formatDuration(sinceMs)}, ${trials.length} runs, seed ${options.seed}`,
    notes: release.value.notes,
    cases,
    horizonMs: RELEASE_MAX_MS,
    held: options.requirements.flatMap((requirement) => holdRequirement(requirement, cases)),
  };
  const origin = { server: server.host, workload, sinceSeconds: sinceMs / 1000 };
  const { runCount, seed } = options;
  context.stdout.write(
    options.output === "json"
      ? reportJson(report, { service: origin, runs: runCount, seed, releases: pastJson(past) })
      : `${[...pastLines(past, sinceMs), ...(cases.length === 0 ? [NO_HALVES] : reportLines(report))].join("\n")}\n`,
  );
  return report.held.every(({ isMet }) => isMet);
}

interface Backtest {
  readonly release: SimulableCanary;
  readonly service: Parameters<typeof readWindow>[0];
  readonly options: SimulateOptions;
  readonly backtest: BacktestOptions;
}

/** Empty where there are no two pods to split, or not enough of their past. */
async function trialsOf(
  { release, service, options, backtest }: Backtest,
  screen: Screen,
  signal: AbortSignal,
): Promise<Trial[]> {
  const { runCount, seed } = options;
  const { stepMs, sinceMs, nowMs } = backtest;
  const random = randomStream(seed, "backtest");
  const windowCount = Math.min(WINDOWS_MAX, runCount);
  const lengthMs = HISTORY_MS + RELEASE_MAX_MS;
  const trials: Trial[] = [];
  for (let window = 0; window < windowCount; window += 1) {
    screen.draw([`${window} of ${windowCount} stretches of the past, ${trials.length} of ${runCount} runs`]);
    const earliestMs = nowMs - sinceMs;
    const latestMs = Math.max(earliestMs, nowMs - lengthMs);
    const startMs = Math.floor((earliestMs + random.next() * (latestMs - earliestMs)) / stepMs) * stepMs;
    const range = { startMs, endMs: Math.min(nowMs, startMs + lengthMs), stepMs };
    const counters = await readWindow(service, range, signal);
    for (let run = window; run < runCount; run += windowCount) {
      const ticks = splitPods(counters, { random, historyCount: Math.round(HISTORY_MS / stepMs) });
      if (ticks === undefined || ticks.length < 2) break;
      trials.push(trialOf(replayRelease(release.canary, ticks)));
      signal.throwIfAborted();
    }
  }
  return trials;
}

function selection({ namespace, workload, podLabel }: Backtest["service"]): string {
  return `istio_requests_total of the workload ${namespace}/${workload} and the label ${podLabel}`;
}

/** Nothing is bad because of a release that changes nothing. */
function trialOf({ verdict, endedMs }: ReturnType<typeof replayRelease>): Trial {
  return { verdict, endedMs, badRequests: 0, hourBadRequests: 0, canaryRequests: 0, maxWeightPercent: 0 };
}

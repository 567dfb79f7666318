import { writeFileSync } from "node:fs";
import { Failure } from "#base";
import { type Progress, type Rehearsal, type RehearsalPlan, rehearse, simulableCanary } from "#simulator";
import type { ProgramContext } from "../program-context.ts";
import { openScreen } from "../output/screen.ts";
import { figuresOf } from "./figures.ts";
import type { SimulateOptions } from "./options.ts";
import { plotRehearsal } from "./plot-rehearsal.ts";
import { problemsText, readCanary } from "./read-canary.ts";
import { type Report, reportJson, reportLines } from "./report.ts";
import { holdRequirement } from "./requirements.ts";

/** Simulates releases of a Canary and tells how they end; true when every requirement is met. */
export async function runSimulate(context: ProgramContext, options: SimulateOptions): Promise<boolean> {
  const canary = readCanary(options.file, options.canaryName);
  const release = simulableCanary(canary);
  if (!release.ok)
    throw new Failure(`Cannot simulate the Canary "${canary.metadata.name ?? ""}":${problemsText(release.error)}`, {
      code: "BadManifest",
    });
  const { requestsPerSecond, errorRate, noise, load, faults, environment, environmentTexts, runCount, seed } = options;
  const plan: RehearsalPlan = {
    release: release.value,
    requestsPerSecond,
    errorRate,
    noise,
    load,
    environment,
    faults,
    runCount,
    seed,
  };
  const rehearsal = await finish(rehearse(plan), context);
  const cases = rehearsal.cases.map(figuresOf);
  const { namespace = "default", name = "" } = canary.metadata;
  const report: Report = {
    title: `${namespace}/${name}: ${canary.spec.analysis.method ?? "threshold"}, ${requestsPerSecond} requests/s, ${100 * errorRate}% errors before the release, noise ${noise}, ${runCount} runs each, seed ${seed}`,
    notes: release.value.notes,
    environment: environmentTexts,
    cases,
    horizonMs: rehearsal.horizonMs,
    held: options.requirements.flatMap((requirement) => holdRequirement(requirement, cases)),
  };
  if (options.plotPath !== undefined) writePlot(options.plotPath, rehearsal);
  const origin = {
    environment: environmentTexts,
    service: { requestsPerSecond, errorRate, noise, load },
    runs: runCount,
    seed,
  };
  context.stdout.write(options.output === "json" ? reportJson(report, origin) : `${reportLines(report).join("\n")}\n`);
  return report.held.every(({ isMet }) => isMet);
}

/** Runs a rehearsal to its end, showing how far it is; lets signals in between the runs. */
async function finish(rehearsal: Generator<Progress, Rehearsal>, context: ProgramContext): Promise<Rehearsal> {
  const screen = openScreen(context.stderr, context.env);
  try {
    for (;;) {
      const next = rehearsal.next();
      if (next.done === true) return next.value;
      const { doneCount, totalCount, caseName } = next.value;
      screen.draw([`${doneCount} of ${totalCount} runs, now ${caseName}`]);
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      context.signal.throwIfAborted();
    }
  } finally {
    screen.draw([]);
    screen.finish();
  }
}

function writePlot(path: string, rehearsal: Rehearsal): void {
  try {
    writeFileSync(path, plotRehearsal(rehearsal));
  } catch (cause) {
    throw new Failure(`Cannot write the picture ${path}`, { code: "PlotUnwritable", cause });
  }
}

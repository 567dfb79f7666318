import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Outcome, plotSvg, simulate } from "#simulator";
import { scenariosWith } from "./capacity-parts/scenarios.ts";
import { aimed, type Figure, type Figures, reported } from "./figures.ts";

/** How much more the coupling may cost than autoscalers that react alone. */
const MAX_EXTRA_PERCENT = 15;
const PLOT = "docs/capacity.svg";

/**
 * The same app, load and release twice: with the coupling off, autoscalers reacting alone as in a hand-wired set-up, and with
 * the coupling enforced. On the virtual clock, with the operator's own decisions and Kubernetes' own autoscaling arithmetic. Draws the pictures anew when asked to.
 */
export async function benchCapacity(isPlotted: boolean): Promise<Figures> {
  const uncoupled = scenariosWith("off").map((scenario) => ({ scenario, outcome: simulate(scenario) }));
  const coupled = scenariosWith("enforce").map((scenario) => simulate(scenario));
  const figures: Record<string, Figure> = {};
  const panels = uncoupled.flatMap(({ scenario: { name }, outcome: alone }, index) => {
    const together = coupled[index];
    if (together === undefined) return [];
    console.log(`${name}\n  alone:    ${rowOf(alone)}\n  coupled:  ${rowOf(together)}`);
    const key = name.replaceAll(/[ ,]+/g, "-");
    figures[`${key}-beyond-capacity`] = aimed(together.overloadedCount, "requests", { atMost: 0 });
    figures[`${key}-beyond-capacity-alone`] = reported(alone.overloadedCount, "requests");
    figures[`${key}-extra-pods`] = aimed(100 * (together.podMinutes / alone.podMinutes - 1), "%", {
      atMost: MAX_EXTRA_PERCENT,
    });
    return [
      { title: `${name}: alone`, outcome: alone },
      { title: `${name}: coupled`, outcome: together },
    ];
  });
  if (isPlotted) {
    await writeFile(join(process.cwd(), PLOT), plotSvg(panels));
    console.log(`wrote ${PLOT}`);
  }
  return figures;
}

function rowOf({ phase, releaseMs, requestCount, overloadedCount, podMinutes }: Outcome): string {
  const seconds = releaseMs === undefined ? "-" : `${Math.round(releaseMs / 1000)} s`;
  return `${phase} after ${seconds}; ${overloadedCount} of ${requestCount} requests beyond capacity; ${podMinutes.toFixed(0)} pod-minutes`;
}

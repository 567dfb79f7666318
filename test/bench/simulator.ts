import type { Figures } from "./figures.ts";
import { costFigures } from "./verdicts-parts/cost.ts";

/** What a simulated release costs: whole rollouts a second through the real decide on one core, and one tick of an analysis. */
export async function benchSimulator(): Promise<Figures> {
  return costFigures();
}

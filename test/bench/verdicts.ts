import { badCells, boundaryCells, type Cell, healthyCells } from "./verdicts-parts/cells.ts";
import { type Figures } from "./figures.ts";
import { type BoundaryResult, goalFigures, type Results } from "./verdicts-parts/goals.ts";
import { ours, oursOnFlaggersLadder, type PeerName, peers } from "./verdicts-parts/judges.ts";
import { type CellResult, Histories, runCell } from "./verdicts-parts/run-cell.ts";
import { progress } from "./progress.ts";
import { costFigures } from "./verdicts-parts/cost.ts";
import {
  countText,
  markdownTable,
  promotionText,
  regressionText,
  rollbackText,
  rollbackWithLimits,
  timesText,
} from "./verdicts-parts/tables.ts";

/** Runs of each judge in each cell. */
interface RunCounts {
  readonly healthy: number;
  readonly bad: number;
  readonly boundary: number;
  /** Kayenta takes fifty minutes of each release, and as long as all others together. */
  readonly kayenta: number;
}

const REDUCED: RunCounts = { healthy: 200, bad: 100, boundary: 400, kayenta: 30 };
/** Source: statistics reference 5.1. */
const FULL: RunCounts = { healthy: 1000, bad: 400, boundary: 4000, kayenta: 150 };

const HEALTHY_PEERS: readonly PeerName[] = ["flagger", "argo0", "argo3", "z", "strict", "kayentaFast", "kayenta50"];
const BAD_PEERS: readonly PeerName[] = ["flagger", "tuned", "argo3", "kayenta50"];
const ALPHAS = [0.1, 1, 5];

/**
 * How releases end under the real decide and under the rules of others, on the same traffic: healthy ones that are rolled back, bad
 * ones that are not, and what each costs users. Full, with as many runs as the goals' figures were measured with.
 */
export async function benchVerdicts(isFull: boolean): Promise<Figures> {
  const counts = isFull ? FULL : REDUCED;
  const histories = new Histories();
  const healthy = runAll(healthyCells({ isFull }), HEALTHY_PEERS, {
    histories,
    runCount: counts.healthy,
    kayentaCount: counts.kayenta,
  });
  console.log(`\nHealthy releases that were rolled back, ${counts.healthy} runs each\n${healthyTable(healthy)}`);
  const bad = runAll(badCells(), BAD_PEERS, { histories, runCount: counts.bad, kayentaCount: counts.kayenta });
  console.log(
    `\nBad releases: rolled back, median seconds, median bad requests until then; ${counts.bad} runs each\n${badTable(bad)}`,
  );
  const boundary = runBoundary(counts.boundary, histories);
  console.log(`\nReleases exactly at the tolerance, ${counts.boundary} runs each\n${boundaryTable(boundary)}\n`);
  return { ...goalFigures(healthy, bad, boundary), ...costFigures() };
}

interface RunAllOptions {
  readonly histories: Histories;
  readonly runCount: number;
  readonly kayentaCount: number;
}

function runAll(
  cells: readonly Cell[],
  peerNames: readonly PeerName[],
  { histories, runCount, kayentaCount }: RunAllOptions,
): ResultStore {
  const store = new ResultStore();
  cells.forEach((cell, index) => {
    progress(`${index + 1} of ${cells.length} cells, now ${cell.key}`);
    for (const name of peerNames) {
      const options = { runCount: name.startsWith("kayenta") ? kayentaCount : runCount, histories: [] };
      store.add(name, runCell(cell, peers[name], options));
    }
    const ownOptions = { runCount, histories: histories.of(cell) };
    store.add("ours", runCell(cell, ours(cell.requestsPerSecond), ownOptions));
    if (peerNames === BAD_PEERS) store.add("oursOnFlaggersLadder", runCell(cell, oursOnFlaggersLadder, ownOptions));
  });
  progress("");
  return store;
}

function runBoundary(runCount: number, histories: Histories): BoundaryResult[] {
  return ALPHAS.map((alphaPercent) => ({
    alphaPercent,
    cells: boundaryCells().map((cell) =>
      runCell(cell, ours(cell.requestsPerSecond, alphaPercent), { runCount, histories: histories.of(cell) }),
    ),
  }));
}

class ResultStore implements Results {
  readonly #byJudge = new Map<string, Map<string, CellResult>>();

  add(judge: string, result: CellResult): void {
    const cells = this.#byJudge.get(judge) ?? new Map<string, CellResult>();
    cells.set(result.cell.key, result);
    this.#byJudge.set(judge, cells);
  }

  of(judge: string, key: string): CellResult | undefined {
    return this.#byJudge.get(judge)?.get(key);
  }

  all(judge: string): readonly CellResult[] {
    return [...(this.#byJudge.get(judge)?.values() ?? [])];
  }
}

function healthyTable(results: ResultStore): string {
  const rows = results
    .all("ours")
    .map(({ cell: { key } }) => [
      key,
      ...HEALTHY_PEERS.map((name) => rollbackText(results.of(name, key))),
      rollbackWithLimits(results.of("ours", key)),
      promotionText(results.of("ours", key)),
    ]);
  return markdownTable(["release, requests/s", ...HEALTHY_PEERS, "ours (95% limits)", "ours promotes after, s"], rows);
}

function badTable(results: ResultStore): string {
  const rows = results.all("ours").map(({ cell: { key } }) => {
    const [theirs, own] = [results.of("flagger", key)?.tally, results.of("ours", key)?.tally];
    return [
      key,
      ...BAD_PEERS.map((name) => regressionText(results.of(name, key))),
      regressionText(results.of("oursOnFlaggersLadder", key)),
      regressionText(results.of("ours", key)),
      timesText(theirs?.rollback?.medianBad, own?.rollback?.medianBad),
      `${countText(theirs?.hourBadMean ?? 0)} / ${countText(own?.hourBadMean ?? 0)}`,
    ];
  });
  const head = [
    "release, requests/s",
    ...BAD_PEERS,
    "ours, Flagger's ladder",
    "ours",
    "bad requests, Flagger/ours",
    "bad in the hour, Flagger / ours",
  ];
  return markdownTable(head, rows);
}

function boundaryTable(boundary: readonly BoundaryResult[]): string {
  const rates = boundaryCells().map(({ requestsPerSecond }) => `${requestsPerSecond} requests/s`);
  const rows = boundary.map(({ alphaPercent, cells }) => [`${alphaPercent}%`, ...cells.map(rollbackWithLimits)]);
  return markdownTable(["alpha", ...rates], rows);
}

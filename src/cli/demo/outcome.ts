import type { CapacityTotals } from "./history.ts";
import { LATENCY_TARGET_MS } from "./load-changes.ts";
import type { LoadShape } from "./load-curve.ts";
import type { LoadCounts } from "./load.ts";
import type { DemoOptions } from "./options.ts";

/** How a demo ended; with `--json` this is its last line. Keys are stable. */
export interface DemoOutcome {
  readonly outcome: "promoted" | "rolled-back" | "unfinished";
  /** Whether that is the right outcome for what was asked: promotion without a fault, rollback with one. */
  readonly expected: boolean;
  readonly seconds: number;
  readonly requests: {
    readonly total: number;
    readonly failed: number;
    readonly byVersion: Readonly<Record<string, number>>;
  };
  readonly maxCanaryWeight: number;
  readonly reason: string;
  /** Under a load that changes: its shape, what an answer may take, and the sums since the change. */
  readonly capacity?: CapacityTotals & { readonly load: LoadShape; readonly latencyTargetMs: number };
}

export interface Ending {
  readonly phase: string;
  /** Weight of the new version when all was over, in percent. */
  readonly weightPercent: number;
  /** Version that the primary runs. */
  readonly primaryVersion: string;
  readonly maxCanaryWeight: number;
  readonly seconds: number;
  readonly reason: string;
  readonly capacity: CapacityTotals;
}

/** Judges the ending: the phase alone is not enough, the traffic and the image must be where they belong. */
export function judge(
  ending: Ending,
  load: LoadCounts,
  context: { options: DemoOptions; oldVersion: string; newVersion: string },
): DemoOutcome {
  const outcome = outcomeOf(ending, context);
  const { load: shape } = context.options;
  return {
    outcome,
    expected: outcome === (context.options.fault === undefined ? "promoted" : "rolled-back"),
    seconds: Number(ending.seconds.toFixed(1)),
    requests: {
      total: load.total,
      failed: load.failed,
      byVersion: Object.fromEntries(
        Object.entries(load.byVersion).map(([version, counts]) => [version, counts.requests]),
      ),
    },
    maxCanaryWeight: ending.maxCanaryWeight,
    reason: ending.reason,
    ...(shape === undefined
      ? {}
      : { capacity: { load: shape, latencyTargetMs: LATENCY_TARGET_MS, ...ending.capacity } }),
  };
}

function outcomeOf(ending: Ending, versions: { oldVersion: string; newVersion: string }): DemoOutcome["outcome"] {
  if (ending.weightPercent !== 0) return "unfinished";
  if (ending.phase === "Succeeded" && ending.primaryVersion === versions.newVersion) return "promoted";
  if (ending.phase === "Failed" && ending.primaryVersion === versions.oldVersion) return "rolled-back";
  return "unfinished";
}

/** The summary for people. */
export function renderSummary(outcome: DemoOutcome, load: LoadCounts, primaryImage: string): string[] {
  const headline = { promoted: "Promoted", "rolled-back": "Rolled back", unfinished: "Not finished" }[outcome.outcome];
  return [
    "",
    `${headline}: ${outcome.reason}`,
    "",
    `  duration         ${outcome.seconds} s`,
    `  highest weight   ${outcome.maxCanaryWeight}% on the new version`,
    `  primary runs     ${primaryImage}`,
    `  clients          ${load.total} requests, ${load.failed} failed`,
    ...Object.entries(load.byVersion).map(
      ([version, counts]) => `    ${version.padEnd(14)} ${counts.requests} requests, ${counts.failed} failed`,
    ),
    ...capacityLines(outcome),
    `  as expected      ${outcome.expected ? "yes" : "no"}`,
  ];
}

function capacityLines({ capacity }: DemoOutcome): string[] {
  if (capacity === undefined) return [];
  const { late, failed, latencyTargetMs, podMinutes, maxReady, shortSeconds } = capacity;
  return [
    `  since the change ${late} requests later than ${latencyTargetMs} ms, ${failed} failed`,
    `  pods             ${podMinutes} pod-minutes; at most ${maxReady.primary} ready of the primary, ${maxReady.canary} of the canary`,
    `  below the need   primary ${shortSeconds.primary} s, canary ${shortSeconds.canary} s`,
  ];
}

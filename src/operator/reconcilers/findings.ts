import { keyOf } from "#api";
import type { Problem } from "#base";
import type { Label } from "#rollout";
import { alertLookups } from "../alert-of.ts";
import { type FloorMemory, floorProblem } from "../capacity/index.ts";
import { alertProblems } from "../alerts/index.ts";
import { metricProblems } from "../metrics/index.ts";
import type { OperatorContext } from "../operator-context.ts";
import type { Findings } from "./accepted.ts";
import { measureContext } from "./answer.ts";
import { lostPrimary } from "./lost-primary.ts";
import { scalerOf } from "./observe-capacity.ts";
import type { Snapshot } from "./read.ts";
import { hasCanary } from "./read-capacity.ts";

/** When it is told what is not wrong and yet good to know: once for each release. */
const TOLD_AT: ReadonlySet<Label> = new Set(["bootstrap-done", "start"]);

/**
 * Everything that a Canary is to be told beside what the decision says itself. Looked for each time, so that a mistake shows
 * when it is made and not when a release trips over it.
 */
export function findingsOf(
  snapshot: Snapshot,
  of: { readonly label: Label; readonly problems: readonly Problem[]; readonly floors: FloorMemory },
  context: OperatorContext,
): Findings {
  const { canary } = snapshot;
  if (canary.metadata.deletionTimestamp !== undefined) return { blocking: [], mild: [], advice: [] };
  const lost = lostPrimary(snapshot);
  const alerts = alertProblems(canary, alertLookups(context));
  // Of a spec that cannot be executed nothing else can be read; the decision has said what is wrong with it.
  if (of.label === "invalid-spec") return { blocking: [], mild: alerts, advice: [] };
  const { mild, advice } = snapshot.scalerScene().findings;
  const metrics = metricProblems(canary, measureContext(context));
  const floors = floorProblems(snapshot, of.floors, context);
  return {
    blocking: of.problems,
    mild: [...(lost === undefined ? [] : [lost]), ...mild, ...floors, ...metrics, ...alerts],
    advice: TOLD_AT.has(of.label) ? advice : [],
  };
}

/** Why floors are not held that a release asks for. */
function floorProblems(snapshot: Snapshot, floors: FloorMemory, { views }: OperatorContext): Problem[] {
  const { canary, names } = snapshot;
  const isGone = (uid: string): boolean => !hasCanary(uid, names.namespace, views);
  return (["primary", "canary"] as const).flatMap((copy) => {
    const scaler = scalerOf(copy, snapshot);
    if (scaler === undefined) return [];
    const id = { key: keyOf(canary), copy };
    const told = { revertedCount: floors.revertedCount(id), refusal: floors.refusal(id) };
    const about = { canary: names.canary, copy, canaryUid: canary.metadata.uid ?? "", ...told, isGone };
    return floorProblem(scaler, about) ?? [];
  });
}

import { deepEqual, Failure, messageOf } from "#base";
import { splitKey } from "#api";
import { completeStatus, conditionOf, STALLED, withCondition } from "#rollout";
import type { OperatorContext } from "./operator-context.ts";
import { announce } from "./perform.ts";
import { type CanaryMemory, writeStatus } from "./reconcile-canary.ts";
import { WriteRefused } from "./views/index.ts";

/**
 * Tells a Canary what ended the look at it, when trying again alone will not help: one event and the condition `Stalled`,
 * which goes with the first look that ends well. Never rejects: the queue tries again either way.
 */
export async function reportStall(
  key: string,
  of: { readonly thrown: unknown; readonly memory: CanaryMemory },
  context: OperatorContext,
): Promise<void> {
  const { thrown, memory } = of;
  if (!(thrown instanceof Failure)) context.metrics.operator.bugFound();
  const stall = memory.stalls.note(key, thrown);
  const canary = context.views.canaries.get(splitKey(key));
  if (stall === undefined || canary === undefined) return;
  const before = completeStatus(canary.status);
  const { phase } = before;
  const isTold = conditionOf(before, STALLED)?.message === stall.message;
  if (!isTold && memory.announcements.isNews(canary, stall.message))
    announce(canary, { type: "Warning", message: stall.message, phase }, context);
  const status = withCondition(before, { type: STALLED, status: "True", ...stall, nowMs: context.clock.nowMs() });
  // The status is what cannot be written: the event has told it.
  const isStatus = thrown instanceof WriteRefused && thrown.write.startsWith("canaries/status ");
  if (isStatus || deepEqual(status, canary.status)) return;
  try {
    await writeStatus(canary, status, context);
  } catch (refusal) {
    context.log.debug("stall not recorded", { canary: `${canary.metadata.name}`, error: messageOf(refusal) });
  }
}

import { messageOf } from "#base";
import { systemClock } from "#kube";
import { delay } from "../../../src/cli/demo/delay.ts";
import type { LoadCounts } from "../../../src/cli/demo/load.ts";
import type { RolloutSnapshot } from "../../../src/cli/demo/snapshot.ts";
import { change, followToEnd, NAME, NAMESPACE, type Stage, within } from "../../../src/cli/demo/stage.ts";
import { livePatch, type ReleaseKind } from "./live-releases.ts";
import { askWhy, type Why, whyFault } from "./why.ts";

/** What one release came to. */
export interface LiveResult {
  readonly kind: ReleaseKind;
  /** `unfinished` when it had not ended in time, or something failed. */
  readonly outcome: "promoted" | "rolled back" | "unfinished";
  /** From the change to the end. */
  readonly seconds: number;
  /** What clients saw in that time; `failedByOthers`, not by an answer of the version that was released. */
  readonly requestCount: number;
  readonly failedCount: number;
  readonly failedByOthers: number;
  /** Whether it was promoted because its time was over, and not by proof. */
  readonly isUnproven: boolean;
  /** First line of `serin why`. */
  readonly sentence: string;
  /** What is wrong with what `serin why` says, when it was asked. */
  readonly whyFault: string | undefined;
}

/** Evidence is collected for two minutes at most; the rest is pods. */
const RELEASE_DEADLINE_MS = 300_000;
/** An end is recorded after the status that tells it. */
const RECORD_DEADLINE_MS = 10_000;
const SETTLE_DEADLINE_MS = 60_000;
/** Between releases: the metrics of the last one are behind. */
const QUIET_MS = 5000;
const POLL_MS = 500;

/** Releases, follows it to its end or to the time limit, and asks why. */
export async function runRelease(
  stage: Stage,
  { kind, number, signal }: { readonly kind: ReleaseKind; readonly number: number; readonly signal: AbortSignal },
): Promise<LiveResult> {
  const startedMs = systemClock.nowMs();
  const before = stage.load.counts();
  await change(stage, livePatch(kind, number));
  const last = await followToEnd(stage, RELEASE_DEADLINE_MS);
  const seconds = (systemClock.nowMs() - startedMs) / 1000;
  const seen = { kind, seconds, ...difference(before, stage.load.counts(), kind) };
  try {
    const why = await whyOfEnd(stage, startedMs, signal);
    const { sentence, run } = why.report;
    const isUnproven = run.records.some(({ label }) => label === "on-timeout-promote");
    return { ...seen, outcome: outcomeOf(last), isUnproven, sentence, whyFault: whyFault(why, kind.expected) };
  } catch (thrown) {
    if (signal.aborted) throw thrown;
    const fault = messageOf(thrown);
    return { ...seen, outcome: outcomeOf(last), isUnproven: false, sentence: last.lastEvent, whyFault: fault };
  }
}

function outcomeOf({ phase, weightPercent }: RolloutSnapshot): LiveResult["outcome"] {
  if (weightPercent !== 0) return "unfinished";
  return phase === "Succeeded" ? "promoted" : phase === "Failed" ? "rolled back" : "unfinished";
}

function difference(before: LoadCounts, after: LoadCounts, { version }: ReleaseKind) {
  const failedBy = (counts: LoadCounts): number => counts.byVersion[version]?.failed ?? 0;
  const failedCount = after.failed - before.failed;
  return {
    requestCount: after.total - before.total,
    failedCount,
    failedByOthers: failedCount - (failedBy(after) - failedBy(before)),
  };
}

/** The explanation of the release that began at `startedMs`, as soon as its end is recorded; at the deadline that of what there is. */
async function whyOfEnd({ cluster }: Stage, startedMs: number, signal: AbortSignal): Promise<Why> {
  const deadlineMs = systemClock.nowMs() + RECORD_DEADLINE_MS;
  for (;;) {
    const why = await askWhy(cluster.kubeconfigPath, { namespace: NAMESPACE, name: NAME });
    const { isOpen, run } = why.report;
    // Times of records are whole seconds.
    const isOfThis = Date.parse(run.startedAt) >= startedMs - 1000;
    if ((isOfThis && !isOpen) || systemClock.nowMs() > deadlineMs) return why;
    await delay(POLL_MS, signal);
  }
}

/** Waits until the canary's pods are gone and the requests of the release are behind; false when the cluster is not fit for another. */
export async function settle({ watch }: Stage, signal: AbortSignal): Promise<boolean> {
  const isIdle = ({ canary }: RolloutSnapshot): boolean => canary.desired === 0 && canary.ready === 0;
  const last = await within(watch, SETTLE_DEADLINE_MS, isIdle);
  await delay(QUIET_MS, signal);
  return isIdle(last);
}

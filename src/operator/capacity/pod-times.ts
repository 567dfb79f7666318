/**
 * How long pods take to start, and since when the youngest serves, learned from what a process sees go by: a view of all
 * pods of a cluster would cost more than the figures are worth. What was there at the first look has no times.
 */

/** What one look at a copy shows. */
interface CopySight {
  /** Ready endpoints; undefined while there is no list of them. */
  readonly addresses: ReadonlySet<string> | undefined;
  readonly desiredCount: number;
  readonly readyCount: number;
}

export interface CopyTimes {
  /** When the youngest ready endpoint was first seen ready. */
  readonly youngestReadyMs: number | undefined;
  /** From a raise of the replicas until all of them were ready: the longest of the last few. */
  readonly podStartMs: number | undefined;
}

interface CopyTimesState {
  /** Each ready address with the time at which it was first seen; undefined for those of the first look. */
  readonly readySince: ReadonlyMap<string, number | undefined> | undefined;
  readonly desiredCount: number;
  /** A raise that is under way. */
  readonly raise: { readonly toCount: number; readonly atMs: number } | undefined;
  readonly startsMs: readonly number[];
}

const START_COUNT = 3;

/** Takes in one look. `state` is undefined at the first. */
function stepCopyTimes(state: CopyTimesState | undefined, sight: CopySight, nowMs: number): CopyTimesState {
  const { desiredCount, readyCount } = sight;
  const readySince = seenSince(state?.readySince, sight.addresses, nowMs);
  const isRaised = state !== undefined && desiredCount > state.desiredCount;
  // A raise that is taken back in part was never completed; the rest is no measure of a whole one.
  const isKept = state?.raise !== undefined && desiredCount === state.raise.toCount;
  const raise = isRaised ? { toCount: desiredCount, atMs: nowMs } : isKept ? state.raise : undefined;
  const startsMs = state?.startsMs ?? [];
  if (raise === undefined || readyCount < raise.toCount) return { readySince, desiredCount, raise, startsMs };
  // Pods that are ready at the look that shows the raise were so before: nothing was waited for.
  const measured = isRaised ? startsMs : [...startsMs, nowMs - raise.atMs].slice(-START_COUNT);
  return { readySince, desiredCount, raise: undefined, startsMs: measured };
}

function seenSince(
  before: CopyTimesState["readySince"],
  addresses: ReadonlySet<string> | undefined,
  nowMs: number,
): CopyTimesState["readySince"] {
  if (addresses === undefined) return undefined;
  return new Map([...addresses].map((address) => [address, sinceOf(address, before, nowMs)]));
}

function sinceOf(address: string, before: CopyTimesState["readySince"], nowMs: number): number | undefined {
  if (before === undefined) return undefined;
  return before.has(address) ? before.get(address) : nowMs;
}

function copyTimesOf(state: CopyTimesState | undefined): CopyTimes {
  const known = [...(state?.readySince?.values() ?? [])].filter((ms) => ms !== undefined);
  const starts = state?.startsMs ?? [];
  return {
    youngestReadyMs: known.length === 0 ? undefined : Math.max(...known),
    podStartMs: starts.length === 0 ? undefined : Math.max(...starts),
  };
}

type Copies<T> = Readonly<Record<"primary" | "canary", T>>;

/** Remembers the times of each Canary's copies; losing them is without harm. One entry a Canary. */
export interface PodTimes {
  see(key: string, sights: Copies<CopySight | undefined>, nowMs: number): Copies<CopyTimes>;
  forget(key: string): void;
}

export function createPodTimes(): PodTimes {
  const states = new Map<string, Partial<Copies<CopyTimesState>>>();
  return {
    see(key, sights, nowMs) {
      const before = states.get(key);
      const primary = sights.primary && stepCopyTimes(before?.primary, sights.primary, nowMs);
      const canary = sights.canary && stepCopyTimes(before?.canary, sights.canary, nowMs);
      states.set(key, { ...(primary === undefined ? {} : { primary }), ...(canary === undefined ? {} : { canary }) });
      return { primary: copyTimesOf(primary), canary: copyTimesOf(canary) };
    },
    forget: (key) => void states.delete(key),
  };
}

import type { FloorLease } from "../scalers/index.ts";

/**
 * What a process remembers of the floors that it wrote, so that it neither fights with who writes them back nor asks twice.
 * Losing it is without harm: a few more writes.
 */
export interface FloorMemory {
  /** Takes in how a floor stands before it would be written; whether to go on writing it. */
  mayWrite(id: FloorId, seen: FloorSeen, nowMs: number): boolean;
  wrote(id: FloorId, written: WrittenFloor): void;
  /** What was written and not given back; undefined when it was written to another object, or by an earlier process. */
  written(id: FloorId, objectUid: string): FloorLease | undefined;
  /** The floor was given back on purpose. */
  gaveBack(id: FloorId): void;
  /** How often somebody else has written a floor back, when that is why it is not written any more. */
  revertedCount(id: FloorId): number | undefined;
  /** The API server refused to write the floor, or wrote it at last. */
  refused(id: FloorId, refusal: FloorRefusal | undefined): void;
  /** In what words the floor is refused, the same as long as it is; undefined when it is not. */
  refusal(id: FloorId): string | undefined;
  /** True the first time for an object and a floor. */
  isFirstNudge(id: FloorId, raise: string): boolean;
  forget(key: string): void;
}

export interface FloorId {
  /** Key of the Canary. */
  readonly key: string;
  readonly copy: "primary" | "canary";
}

export interface FloorSeen {
  readonly objectUid: string;
  /** Whether annotation and field still are as they were written. */
  readonly isHeld: boolean;
}

export interface WrittenFloor {
  readonly objectUid: string;
  readonly lease: FloorLease;
}

/** Why a write was refused. */
export interface FloorRefusal {
  readonly code: string;
  readonly words: string;
}

/** So many reversions within the window are a tool that will go on, such as a GitOps controller. Source: keda-hpa-spec 20.13. */
const REVERSION_LIMIT = 3;
const REVERSION_WINDOW_MS = 600_000;

/** What is known of one floor. */
interface FloorState {
  /** The floor that is out, and its object. */
  readonly written: WrittenFloor | undefined;
  /** Whether its reversion is counted already. */
  readonly isReverted: boolean;
  readonly revertedMs: readonly number[];
  readonly isGivenUp: boolean;
  readonly refusal: FloorRefusal | undefined;
  readonly nudged: string | undefined;
}

const untouched: FloorState = {
  written: undefined,
  isReverted: false,
  revertedMs: [],
  isGivenUp: false,
  refusal: undefined,
  nudged: undefined,
};

/** Counts a floor that was written and does not stand any more; a new object of the same name never had it. */
function stepFloor(state: FloorState, seen: FloorSeen, nowMs: number): FloorState {
  if (seen.isHeld || state.isReverted || state.written?.objectUid !== seen.objectUid) return state;
  const revertedMs = [...state.revertedMs.filter((ms) => nowMs - ms < REVERSION_WINDOW_MS), nowMs];
  const isGivenUp = state.isGivenUp || revertedMs.length >= REVERSION_LIMIT;
  return { ...state, isReverted: true, revertedMs: revertedMs.slice(-REVERSION_LIMIT), isGivenUp };
}

/** One entry for each Canary with floors. */
export function createFloorMemory(): FloorMemory {
  const states = new Map<string, Map<FloorId["copy"], FloorState>>();
  const of = ({ key, copy }: FloorId): FloorState => states.get(key)?.get(copy) ?? untouched;
  const put = ({ key, copy }: FloorId, state: FloorState): void => {
    const copies = states.get(key) ?? new Map<FloorId["copy"], FloorState>();
    states.set(key, copies.set(copy, state));
  };
  return {
    mayWrite(id, seen, nowMs) {
      const next = stepFloor(of(id), seen, nowMs);
      put(id, next);
      return !next.isGivenUp;
    },
    wrote: (id, written) => put(id, { ...of(id), written, isReverted: false }),
    written(id, objectUid) {
      const { written } = of(id);
      return written?.objectUid === objectUid ? written.lease : undefined;
    },
    gaveBack: (id) => put(id, untouched),
    revertedCount(id) {
      const { isGivenUp, revertedMs } = of(id);
      return isGivenUp ? revertedMs.length : undefined;
    },
    refused(id, refusal) {
      const state = of(id);
      // A text that changes with each try would be written into the status each time.
      if (state.refusal?.code !== refusal?.code) put(id, { ...state, refusal });
    },
    refusal: (id) => of(id).refusal?.words,
    isFirstNudge(id, raise) {
      const state = of(id);
      put(id, { ...state, nudged: raise });
      return state.nudged !== raise;
    },
    forget: (key) => void states.delete(key),
  };
}

import type { KubeObject } from "#api";
import { type BackoffPolicy, backoffMs, type Random, unreachable } from "#base";

/**
 * The list+watch protocol as a state and a step; the informer is the thin loop that performs its requests.
 *
 * Source: Kubernetes API concepts, "Efficient detection of changes" and "410 Gone responses"; client-go `tools/cache` reflector.
 *
 *     Listing --last page--> Watching --expired, or no progress--> Listing
 *        ^ '--next page--'      ^ '--closed or failed--'
 */

/** Objects asked for in one page. */
export const PAGE_LIMIT = 500;
/** Pages of one list before the server is taken to be wrong: 5 million objects. */
const MAX_PAGE_COUNT = 10_000;
const RETRY: BackoffPolicy = { initialMs: 800, factor: 2, maxMs: 30_000, jitter: 0.5 };
/** A watch that stayed open this long worked, even when nothing happened in it. */
const HEALTHY_WATCH_MS = 10_000;
/** Watches without progress after which the version is given up and everything is listed again. */
const RELIST_FAILURE_COUNT = 5;

export interface Listing {
  readonly phase: "listing";
  /** `0` takes what the server has at hand, "" asks for the newest: needed after a version has expired. */
  readonly resourceVersion: string;
  readonly continueToken: string | undefined;
  readonly pageCount: number;
  readonly collected: readonly KubeObject[];
  readonly failureCount: number;
  readonly delayMs: number;
}

export interface Watching {
  readonly phase: "watching";
  readonly resourceVersion: string;
  readonly failureCount: number;
  readonly delayMs: number;
}

/** Where the protocol stands; `delayMs` is the wait before its next request. */
export type ReflectorState = Listing | Watching;

/** How a request failed: its version or continue token is too old, or anything else. */
export interface RequestFailure {
  readonly isExpired: boolean;
  /** The server's Retry-After. */
  readonly retryAfterMs?: number;
}

/** What the loop learned. */
export type ReflectorInput =
  | {
      readonly type: "page";
      readonly items: readonly KubeObject[];
      readonly resourceVersion: string;
      readonly continueToken: string | undefined;
    }
  | { readonly type: "listFailed"; readonly failure: RequestFailure }
  | { readonly type: "changed"; readonly object: KubeObject; readonly resourceVersion: string }
  | { readonly type: "removed"; readonly object: KubeObject; readonly resourceVersion: string }
  | { readonly type: "bookmark"; readonly resourceVersion: string }
  /** The stream is over; `failure` is absent when the server ended it in order. */
  | { readonly type: "watchEnded"; readonly openMs: number; readonly failure: RequestFailure | undefined };

/** What to do to the store. */
export type StoreCommand =
  | { readonly type: "replace"; readonly objects: readonly KubeObject[] }
  | { readonly type: "put"; readonly object: KubeObject }
  | { readonly type: "remove"; readonly object: KubeObject };

export interface ReflectorStep {
  readonly state: ReflectorState;
  readonly command?: StoreCommand;
}

/** Where every informer starts. */
export const initialReflectorState: ReflectorState = {
  phase: "listing",
  resourceVersion: "0",
  continueToken: undefined,
  pageCount: 0,
  collected: [],
  failureCount: 0,
  delayMs: 0,
};

/** Takes one step of the protocol. Inputs that do not belong to the phase leave the state as it is. */
export function stepReflector(state: ReflectorState, input: ReflectorInput, random: Random): ReflectorStep {
  switch (state.phase) {
    case "listing":
      return stepListing(state, input, random);
    case "watching":
      return stepWatching(state, input, random);
  }
}

function stepListing(state: Listing, input: ReflectorInput, random: Random): ReflectorStep {
  if (input.type === "listFailed") {
    const failureCount = state.failureCount + 1;
    // Listing → Listing: pages of different attempts are never mixed, so the list starts over.
    return { state: listAgain(failureCount, delayAfter(state.failureCount, input.failure, random)) };
  }
  if (input.type !== "page") return { state };
  const collected = [...state.collected, ...input.items];
  const pageCount = state.pageCount + 1;
  if (input.continueToken !== undefined && input.continueToken !== "") {
    if (pageCount >= MAX_PAGE_COUNT) {
      return { state: listAgain(state.failureCount + 1, backoffMs(RETRY, state.failureCount, random)) };
    }
    return { state: { ...state, collected, pageCount, continueToken: input.continueToken, delayMs: 0 } };
  }
  // Listing → Watching. The failures stay counted until the watch makes progress, so that a server whose lists work and
  // whose watches always fail is not asked without a pause.
  return {
    state: { phase: "watching", resourceVersion: input.resourceVersion, failureCount: state.failureCount, delayMs: 0 },
    command: { type: "replace", objects: collected },
  };
}

function stepWatching(state: Watching, input: ReflectorInput, random: Random): ReflectorStep {
  switch (input.type) {
    case "changed":
      return { state: progressed(state, input.resourceVersion), command: { type: "put", object: input.object } };
    case "removed":
      return { state: progressed(state, input.resourceVersion), command: { type: "remove", object: input.object } };
    case "bookmark":
      return { state: progressed(state, input.resourceVersion) };
    case "watchEnded":
      return { state: afterWatch(state, input, random) };
    case "page":
    case "listFailed":
      return { state };
    default:
      return unreachable(input);
  }
}

function progressed(state: Watching, resourceVersion: string): Watching {
  return { ...state, resourceVersion, failureCount: 0, delayMs: 0 };
}

function afterWatch(
  state: Watching,
  ended: { readonly openMs: number; readonly failure: RequestFailure | undefined },
  random: Random,
): ReflectorState {
  const wasHealthy = ended.openMs >= HEALTHY_WATCH_MS;
  const failureCount = wasHealthy ? 0 : state.failureCount;
  if (ended.failure === undefined && wasHealthy) return { ...state, failureCount, delayMs: 0 };
  if (ended.failure?.isExpired === true) {
    // Watching → Listing. The first time at once: an expired version is normal after a long silence.
    const delayMs = failureCount === 0 ? 0 : delayAfter(failureCount - 1, ended.failure, random);
    return listAgain(failureCount + 1, delayMs);
  }
  const delayMs = delayAfter(failureCount, ended.failure, random);
  if (failureCount + 1 >= RELIST_FAILURE_COUNT) return listAgain(failureCount + 1, delayMs);
  return { ...state, failureCount: failureCount + 1, delayMs };
}

function listAgain(failureCount: number, delayMs: number): Listing {
  return { ...(initialReflectorState as Listing), resourceVersion: "", failureCount, delayMs };
}

function delayAfter(failureCount: number, failure: RequestFailure | undefined, random: Random): number {
  return Math.min(Math.max(backoffMs(RETRY, failureCount, random), failure?.retryAfterMs ?? 0), RETRY.maxMs);
}

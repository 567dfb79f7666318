import { Bug, Failure } from "#base";
import { plainText } from "./gates/index.ts";
import { WriteRefused } from "./views/index.ts";

/** Why a Canary does not get on, for its condition `Stalled`. */
export interface Stall {
  readonly reason: string;
  readonly message: string;
}

/** Remembers which write of each Canary was refused last. */
export interface Stalls {
  /** Takes note of what ended a look at a Canary; the stall when it is one, in the same words as long as it lasts. */
  note(key: string, thrown: unknown): Stall | undefined;
  forget(key: string): void;
}

/** Refusals in a row of one write: the first may be about what was true a moment ago. */
const DEFINITE_COUNT = 2;
/** Of answers that are the price of a stale copy or of a busy server. */
const PASSING_COUNT = 6;
const PASSING: ReadonlySet<number> = new Set([401, 404, 408, 409, 410, 429, 502, 503, 504]);
const MAX_WORDS_LENGTH = 600;

export function createStalls(): Stalls {
  const refusals = new Map<string, { readonly id: string; readonly count: number; readonly stall: Stall }>();
  return {
    note(key, thrown) {
      if (!(thrown instanceof Failure)) return stallOfBug(thrown);
      if (!(thrown instanceof WriteRefused)) return undefined;
      const before = refusals.get(key);
      const id = `${thrown.write} ${thrown.code}`;
      const isSame = before?.id === id;
      const now = { id, count: isSame ? before.count + 1 : 1, stall: isSame ? before.stall : stallOf(thrown) };
      refusals.set(key, now);
      return now.count >= (PASSING.has(thrown.httpStatus) ? PASSING_COUNT : DEFINITE_COUNT) ? now.stall : undefined;
    },
    forget: (key) => void refusals.delete(key),
  };
}

function stallOfBug(thrown: unknown): Stall {
  const what = thrown instanceof Bug ? plainText(thrown.message, MAX_WORDS_LENGTH) : "an error that nobody foresaw";
  return { reason: "Bug", message: `Serin made a mistake: ${what} (report it, with the lines of the operator's log)` };
}

function stallOf(refused: WriteRefused): Stall {
  // Whoever refuses a Secret may quote it.
  const words = refused.kind === "Secret" ? refused.code : (refused.status?.message ?? refused.message);
  const message = `Cannot write ${refused.object}: ${plainText(words, MAX_WORDS_LENGTH)} (${fixOf(refused)})`;
  return { reason: refused.code, message };
}

function fixOf({ httpStatus, code }: WriteRefused): string {
  if (httpStatus === 403) return "let the operator's role, the quota and admission policies of the namespace allow it";
  if (httpStatus === 400 || httpStatus === 422)
    return "correct the field of the Canary or its target that this is made from";
  if (code === "AlreadyExists") return "delete or rename the object that has this name";
  return "mend what the API server complains of; the write is tried again";
}

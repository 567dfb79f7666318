import type { Run } from "./run.ts";

/**
 * What need not be read again: runs as they were written, and what others were read as.
 *
 * An object in a status is never changed, so what it was read as once is what it would be read as again; one that comes from
 * elsewhere (another process, the API server) is another object, and is read.
 */
const written = new WeakSet<object>();
const read = new WeakMap<object, Run>();

/** The run that the object is, or was read as; undefined when it is not known. */
export function knownRun(json: object): Run | undefined {
  return isWritten(json) ? json : read.get(json);
}

function isWritten(json: object): json is Run {
  return written.has(json);
}

/** Remembers a run that a status is given as it stands. A set of its own: as the value of a map it would outlive its release. */
export function rememberWritten(run: Run): void {
  written.add(run);
}

/** Remembers what an object was read as. */
export function rememberRead(json: object, run: Run): void {
  read.set(json, run);
}

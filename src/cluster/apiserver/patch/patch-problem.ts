import { isObject, type Problem } from "#base";

/**
 * What a refused patch means to the client; the API server turns it into a status code.
 *
 * - `BadRequest` (400): the patch itself is malformed.
 * - `Invalid` (422): the patch is well-formed but cannot be applied to this object; the Status has no causes.
 * - `FieldValueInvalid` (422): as `Invalid`, with one cause that names the field `patch`.
 * - `RequestEntityTooLarge` (413): the patch asks for more work than the server does in one request.
 */
export type PatchProblemCode = "BadRequest" | "Invalid" | "FieldValueInvalid" | "RequestEntityTooLarge";

/** A problem whose code is one of {@link PatchProblemCode}. */
export interface PatchProblem extends Problem {
  readonly code: PatchProblemCode;
}

/** The text a real server gives for every patch that it cannot apply; the finding itself is in the problem's `fix`. */
export const CANNOT_APPLY = "the server rejected our request due to an error in our request";

/** The patch is not a patch. */
export function malformed(message: string): PatchProblem {
  return { path: "", code: "BadRequest", message };
}

/** The patch does not fit the object. Source: apimachinery `errors.NewGenericServerResponse` for status 422, which hides the finding. */
export function cannotApply(finding: string): PatchProblem {
  return { path: "", code: "Invalid", message: CANNOT_APPLY, fix: finding };
}

/**
 * Thrown inside this folder to leave a recursion; every export catches it and returns the problem it carries.
 */
export class PatchRefusal extends Error {
  readonly problem: PatchProblem;

  constructor(problem: PatchProblem) {
    super(problem.message);
    this.name = "PatchRefusal";
    this.problem = problem;
  }
}

const DEPTH_MAX = 200;
const PROTOTYPE_KEY = "__proto__";

/** Refuses what would harm the server before anything walks the patch: prototype keys, and nesting that exhausts the stack. */
export function checkUntrusted(value: unknown, depth = 0): void {
  if (depth > DEPTH_MAX) throw new PatchRefusal(malformed(`the patch is nested deeper than ${DEPTH_MAX} levels`));
  if (Array.isArray(value)) for (const item of value) checkUntrusted(item, depth + 1);
  if (!isObject(value)) return;
  for (const key of Object.keys(value)) {
    checkKey(key);
    checkUntrusted(value[key], depth + 1);
  }
}

/** Refuses a key that would set an object's prototype instead of a field. */
export function checkKey(key: string): void {
  if (key === PROTOTYPE_KEY) throw new PatchRefusal(malformed(`the key "${PROTOTYPE_KEY}" is not allowed in a patch`));
}

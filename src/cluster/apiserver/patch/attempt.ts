import { err, ok, type Result } from "#base";
import { type PatchProblem, PatchRefusal } from "./patch-problem.ts";

/** Runs a patch and turns a refusal from anywhere inside it into a result; anything else is a bug and passes through. */
export function attempt<T>(patch: () => T): Result<T, PatchProblem> {
  try {
    return ok(patch());
  } catch (thrown) {
    if (thrown instanceof PatchRefusal) return err(thrown.problem);
    throw thrown;
  }
}

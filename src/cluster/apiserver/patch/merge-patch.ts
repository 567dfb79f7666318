import { deepCopy, isObject, type Result } from "#base";
import { attempt } from "./attempt.ts";
import { checkUntrusted, malformed, type PatchProblem, PatchRefusal } from "./patch-problem.ts";

/**
 * Applies a JSON merge patch: objects merge, null removes, everything else replaces. The document is not changed.
 *
 * Only an object is accepted as patch, since any other would replace the whole Kubernetes object.
 * Source: RFC 7386.
 */
export function applyMergePatch(document: unknown, patch: unknown): Result<unknown, PatchProblem> {
  return attempt(() => {
    if (!isObject(patch)) {
      throw new PatchRefusal(malformed("error decoding patch: a merge patch must be a JSON object"));
    }
    checkUntrusted(patch);
    return mergeInto(deepCopy(document), patch);
  });
}

/** Merges into a target that belongs to the caller, so that a deep document is copied once and not once a level. */
function mergeInto(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return deepCopy(patch);
  const merged: Record<string, unknown> = isObject(target) ? target : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = mergeInto(Object.hasOwn(merged, key) ? merged[key] : undefined, value);
  }
  return merged;
}

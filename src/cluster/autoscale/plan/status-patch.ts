import { deepEqual, isObject } from "#base";

/**
 * The merge patch (RFC 7386) that makes one object of another; undefined when they are equal. Only what differs is in it, so
 * fields that others write stay.
 */
export function mergePatchBetween(before: object, after: object): Readonly<Record<string, unknown>> | undefined {
  const [from, to] = [entriesOf(before), entriesOf(after)];
  const patch: Record<string, unknown> = {};
  for (const key of from.keys()) if (to.get(key) === undefined) patch[key] = null;
  for (const [key, value] of to) {
    const old = from.get(key);
    if (value === undefined || deepEqual(old, value)) continue;
    patch[key] = isObject(old) && isObject(value) ? mergePatchBetween(old, value) : value;
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

function entriesOf(object: object): ReadonlyMap<string, unknown> {
  return new Map(Object.entries(object).filter(([, value]) => value !== undefined));
}

import { deepEqual, isObject } from "#base";

type Json = Readonly<Record<string, unknown>>;

/**
 * The smallest merge patch that turns one JSON object into another; undefined when there is nothing to do. Lists are single
 * values. Source: RFC 7396, section 2.
 */
export function mergeDifference(from: Json, to: Json): Json | undefined {
  const changed = Object.entries(to).flatMap(([key, value]): [string, unknown][] => {
    const old = Object.hasOwn(from, key) ? from[key] : undefined;
    if (value === undefined || deepEqual(old, value)) return [];
    if (!isObject(old) || !isObject(value)) return [[key, value]];
    return [[key, mergeDifference(old, value)]];
  });
  const isGone = (key: string): boolean => !Object.hasOwn(to, key) || to[key] === undefined;
  const gone = Object.keys(from)
    .filter((key) => from[key] !== undefined && isGone(key))
    .map((key): [string, unknown] => [key, null]);
  const patch = [...changed, ...gone];
  return patch.length === 0 ? undefined : Object.fromEntries(patch);
}

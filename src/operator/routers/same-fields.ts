import type { KubeObject } from "#api";
import { deepEqual, isObject } from "#base";

/**
 * Comparison of what is wanted with what is live, after a round trip through an API server and other people's hands: fields
 * of others do not count, and neither does the difference between nothing and an empty list.
 */

/** Whether the live metadata has each label and annotation that is wanted; it may have more. */
export function hasMetadata(live: KubeObject, wanted: KubeObject): boolean {
  return (
    hasAll(live.metadata.labels ?? {}, wanted.metadata.labels ?? {}) &&
    hasAll(live.metadata.annotations ?? {}, wanted.metadata.annotations ?? {})
  );
}

/** Whether each wanted field is there with the same value, at every depth of objects; lists are compared as a whole. */
export function hasAll(live: unknown, wanted: unknown): boolean {
  if (!isObject(wanted) || !isObject(live)) return deepEqual(normal(live), normal(wanted));
  return Object.entries(wanted).every(([key, value]) => hasAll(live[key], value));
}

/** Equality of values that an API server may have normalised. */
export function isSame(live: unknown, wanted: unknown): boolean {
  return deepEqual(normal(live), normal(wanted));
}

/** Drops nulls, empty lists and weights of 0, which clients of typed languages write or leave out as they like. */
function normal(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map(normal);
  if (!isObject(value)) return value ?? undefined;
  const kept = Object.entries(value).filter(([key, item]) => !isNothing(key, item));
  return Object.fromEntries(kept.map(([key, item]) => [key, normal(item)]));
}

function isNothing(key: string, item: unknown): boolean {
  if (item === undefined || item === null) return true;
  return Array.isArray(item) ? item.length === 0 : key === "weight" && item === 0;
}

import type { Schema } from "#api";
import { deepCopy, isObject } from "#base";
import { entriesOf, fieldOf, type Shape, shapeOf } from "./shape.ts";

/**
 * Lays an applied configuration over a live object: its leaves replace, its maps and lists merge. Null means absent, as it does
 * for a typed object.
 *
 * Source: structured-merge-diff `typed.Merge`.
 */
export function mergeApplied(schema: Schema | undefined, live: unknown, applied: unknown): unknown {
  if (applied === undefined) return deepCopy(live);
  if (applied === null) return schema?.nullable === true ? null : undefined;
  const shape = shapeOf(schema, live, applied);
  if (shape.kind === "map" && isObject(applied)) return mergeFields(shape.schema, isObject(live) ? live : {}, applied);
  if (shape.kind === "list" && Array.isArray(applied)) return mergeEntries(shape, live, applied);
  return deepCopy(applied);
}

function mergeFields(
  schema: Schema | undefined,
  live: Record<string, unknown>,
  applied: Record<string, unknown>,
): Record<string, unknown> {
  const merged: Record<string, unknown> = {};
  for (const name of new Set([...Object.keys(live), ...Object.keys(applied)])) {
    const value = mergeApplied(fieldOf(schema, name).schema, own(live, name), own(applied, name));
    if (value !== undefined) merged[name] = value;
  }
  return merged;
}

/**
 * Merges lists by their entries. Entries that both have follow the applied order; live entries of their own come before the next
 * shared one, and before what the configuration adds there.
 */
function mergeEntries(shape: Extract<Shape, { kind: "list" }>, live: unknown, applied: readonly unknown[]): unknown[] {
  const mine = entriesOf(shape, live);
  const theirs = entriesOf(shape, applied);
  return mergedOrder([...mine.keys()], [...theirs.keys()]).map((element) =>
    mergeApplied(shape.items, mine.get(element), theirs.get(element)),
  );
}

/** The order of a merged list's elements, from the live and the applied order. */
export function mergedOrder(live: readonly string[], applied: readonly string[]): string[] {
  const isLive = new Set(live);
  const isApplied = new Set(applied);
  const shared = applied.filter((element) => isLive.has(element));
  const order: string[] = [];
  let nextLive = 0;
  let nextShared = 0;
  for (const element of applied) {
    const target = shared[nextShared];
    for (; nextLive < live.length && live[nextLive] !== target; nextLive += 1) {
      const own = live[nextLive];
      if (own !== undefined && !isApplied.has(own)) order.push(own);
    }
    if (element === target) nextShared += 1;
    order.push(element);
  }
  return [...order, ...live.slice(nextLive).filter((element) => !isApplied.has(element))];
}

function own(object: Record<string, unknown>, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

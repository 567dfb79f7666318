import { isObject } from "#base";

/** Readers for state that was written down: what does not fit is undefined, and the caller begins anew. */

export function readFinite(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

export function readCount(value: unknown): number | undefined {
  const count = readFinite(value);
  return count !== undefined && count >= 0 ? count : undefined;
}

/** A list of exactly so many finite numbers. */
export function readNumbers(value: unknown, length: number): number[] | undefined {
  if (!Array.isArray(value) || value.length !== length) return undefined;
  return readList(value, readFinite);
}

/** A list whose items all can be read. */
export function readList<T>(value: unknown, readItem: (item: unknown) => T | undefined): T[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const items: T[] = [];
  for (const raw of value) {
    const item = readItem(raw);
    if (item === undefined) return undefined;
    items.push(item);
  }
  return items;
}

/** The fields of an object, each with its reader; undefined when one cannot be read. */
export function readFields<T extends object>(
  value: unknown,
  readers: { readonly [K in keyof T]: (field: unknown) => T[K] | undefined },
): T | undefined {
  if (!isObject(value)) return undefined;
  const fields: Partial<T> = {};
  for (const key of Object.keys(readers) as (keyof T & string)[]) {
    const field = readers[key](value[key]);
    if (field === undefined) return undefined;
    fields[key] = field;
  }
  return fields as T;
}

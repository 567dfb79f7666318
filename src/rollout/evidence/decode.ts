import { isObject } from "#base";

/** Readers for what a status holds: what does not fit is undefined, and the reader of the whole gives up. */

export type Reader<T> = (value: unknown) => T | undefined;

export const readFinite: Reader<number> = (value) =>
  typeof value === "number" && Number.isFinite(value) ? value : undefined;

export const readCount: Reader<number> = (value) => {
  const count = readFinite(value);
  return count !== undefined && count >= 0 ? count : undefined;
};

export const readText: Reader<string> = (value) => (typeof value === "string" ? value : undefined);

export const readFlag: Reader<boolean> = (value) => (typeof value === "boolean" ? value : undefined);

/** A reader of a list of at most so many items. */
export function listOf<T>(readItem: Reader<T>, maxCount: number): Reader<readonly T[]> {
  return (value) => {
    if (!Array.isArray(value) || value.length > maxCount) return undefined;
    const items = value.map(readItem);
    return items.every((item): item is NonNullable<typeof item> => item !== undefined) ? items : undefined;
  };
}

/** A reader of an object by the readers of its fields; those of `optional` may be absent. */
export function fieldsOf<T extends object>(
  readers: { readonly [K in keyof T]-?: Reader<Exclude<T[K], undefined>> },
  optional: readonly (keyof T & string)[] = [],
): Reader<T> {
  return (value) => {
    if (!isObject(value)) return undefined;
    const fields: Partial<T> = {};
    for (const key of Object.keys(readers) as (keyof T & string)[]) {
      if (value[key] === undefined && optional.includes(key)) continue;
      const field = readers[key](value[key]);
      if (field === undefined) return undefined;
      fields[key] = field;
    }
    return fields as T;
  };
}

/**
 * Rebuilds an object field by field and keeps the very same object when nothing changed, so that walks over large, mostly
 * valid objects copy little. `undefined` removes the field. A field named `__proto__` is always dropped: it would reach
 * the prototype of whoever copies the object next.
 */
export function mapFields(
  object: Readonly<Record<string, unknown>>,
  change: (value: unknown, key: string) => unknown,
): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  let isChanged = false;
  for (const key of Object.keys(object)) {
    const before = object[key];
    const after = key === "__proto__" ? undefined : change(before, key);
    if (after !== before) isChanged = true;
    if (after !== undefined) result[key] = after;
  }
  return isChanged ? result : object;
}

/** As {@link mapFields} for the items of a list; the number of items stays. */
export function mapItems(
  list: readonly unknown[],
  change: (value: unknown, index: number) => unknown,
): readonly unknown[] {
  let isChanged = false;
  const result = list.map((item, index) => {
    const after = change(item, index);
    if (after !== item) isChanged = true;
    return after;
  });
  return isChanged ? result : list;
}

/**
 * A set of field paths, kept as the tree of their elements. This is the tree that `fieldsV1` writes down: an element is
 * `f:NAME` (field), `k:{…}` (list entry by its keys), `v:…` (value of a set) or `i:N` (position).
 *
 * A set may hold a path and not its children, its children and not the path, or both. Empty branches are never kept, so two
 * equal sets have equal trees.
 *
 * Source: structured-merge-diff `fieldpath.Set`.
 */
export interface FieldSet {
  /** True when the path that leads here is in the set. */
  readonly isMember: boolean;
  readonly children: ReadonlyMap<string, FieldSet>;
}

export const emptySet: FieldSet = { isMember: false, children: new Map() };

/** The set that holds the path that leads here, and nothing below it. */
export const leafSet: FieldSet = { isMember: true, children: new Map() };

export function isEmptySet(set: FieldSet): boolean {
  return !set.isMember && set.children.size === 0;
}

/** Builds a set of its branches and leaves out the empty ones. */
export function fieldSet(isMember: boolean, branches: Iterable<readonly [string, FieldSet]>): FieldSet {
  const children = new Map<string, FieldSet>();
  for (const [element, child] of branches) if (!isEmptySet(child)) children.set(element, child);
  return { isMember, children };
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptySet(a)) return b;
  if (isEmptySet(b)) return a;
  const children = new Map(a.children);
  for (const [element, child] of b.children) {
    const mine = children.get(element);
    children.set(element, mine === undefined ? child : union(mine, child));
  }
  return { isMember: a.isMember || b.isMember, children };
}

/** The paths of `a` that are not in `b`. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptySet(b)) return a;
  const branches = [...a.children].map(
    ([element, child]) => [element, difference(child, b.children.get(element) ?? emptySet)] as const,
  );
  return fieldSet(a.isMember && !b.isMember, branches);
}

/** The paths of `a` that are neither in `b` nor below a path of `b`. */
export function differenceBelow(a: FieldSet, b: FieldSet): FieldSet {
  if (b.isMember) return emptySet;
  const branches = [...a.children].map(
    ([element, child]) => [element, differenceBelow(child, b.children.get(element) ?? emptySet)] as const,
  );
  return fieldSet(a.isMember, branches);
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  const branches = [...a.children].map(
    ([element, child]) => [element, intersection(child, b.children.get(element) ?? emptySet)] as const,
  );
  return fieldSet(a.isMember && b.isMember, branches);
}

export function equalSets(a: FieldSet, b: FieldSet): boolean {
  if (a.isMember !== b.isMember || a.children.size !== b.children.size) return false;
  for (const [element, child] of a.children) {
    const other = b.children.get(element);
    if (other === undefined || !equalSets(child, other)) return false;
  }
  return true;
}

/** The paths of a set, each as its elements, parents before children and siblings in order of their text. */
export function pathsOf(set: FieldSet, prefix: readonly string[] = []): readonly (readonly string[])[] {
  const paths: (readonly string[])[] = set.isMember && prefix.length > 0 ? [prefix] : [];
  const elements = [...set.children.keys()].sort();
  for (const element of elements) paths.push(...pathsOf(set.children.get(element) ?? emptySet, [...prefix, element]));
  return paths;
}

/** The set of the given paths of plain fields: `setOfFields(["metadata", "name"], ["status"])`. */
export function setOfFields(...paths: readonly (readonly string[])[]): FieldSet {
  return paths.map((path) => path.reduceRight<FieldSet>(under, leafSet)).reduce(union, emptySet);
}

function under(child: FieldSet, field: string): FieldSet {
  return fieldSet(false, [[`f:${field}`, child]]);
}

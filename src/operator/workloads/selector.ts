import type { LabelSelector } from "#api";

/** The label that tells the pods of the two copies apart. */
export interface SelectorLabel {
  readonly key: string;
  /** Its value on the canary's pods. */
  readonly value: string;
  /** Its value on the primary's pods. */
  readonly primaryValue: string;
}

/** Finds it: the first of the keys that the target selects its pods by. Source: flagger-spec 3.1. */
export function selectorLabelOf(
  target: { readonly spec: { readonly selector: LabelSelector } },
  keys: readonly string[],
): SelectorLabel | undefined {
  const labels = target.spec.selector.matchLabels ?? {};
  for (const key of keys) {
    const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
    if (value !== undefined) return { key, value, primaryValue: `${value}-primary` };
  }
  return undefined;
}

import type { LabelSelector } from "./meta.ts";

type Labels = Readonly<Record<string, string>>;

/**
 * Tells whether labels satisfy a selector. An absent selector matches nothing, an empty one matches everything.
 *
 * Source: apimachinery `metav1.LabelSelectorAsSelector`.
 */
export function matchesSelector(selector: LabelSelector | undefined, labels: Labels | undefined): boolean {
  if (selector === undefined) return false;
  const have = labels ?? {};
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) if (have[key] !== value) return false;
  return (selector.matchExpressions ?? []).every((requirement) => {
    const value = have[requirement.key];
    switch (requirement.operator) {
      case "In":
        return value !== undefined && (requirement.values ?? []).includes(value);
      case "NotIn":
        return value === undefined || !(requirement.values ?? []).includes(value);
      case "Exists":
        return value !== undefined;
      case "DoesNotExist":
        return value === undefined;
    }
  });
}

/** Tells whether labels carry every pair of the map; an empty or absent map matches nothing. Source: core/v1 Service selectors. */
export function matchesLabels(selector: Labels | undefined, labels: Labels | undefined): boolean {
  const pairs = Object.entries(selector ?? {});
  return pairs.length > 0 && pairs.every(([key, value]) => labels?.[key] === value);
}

/** Writes a selector as a query parameter: `app=web,tier in (a,b),!old`. */
export function formatSelector(selector: LabelSelector): string {
  const parts = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  for (const { key, operator, values = [] } of selector.matchExpressions ?? []) {
    if (operator === "In") parts.push(`${key} in (${[...values].sort().join(",")})`);
    if (operator === "NotIn") parts.push(`${key} notin (${[...values].sort().join(",")})`);
    if (operator === "Exists") parts.push(key);
    if (operator === "DoesNotExist") parts.push(`!${key}`);
  }
  return parts.sort().join(",");
}

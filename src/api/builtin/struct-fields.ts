import { isObject } from "#base";
import type { LabelSelector, LabelSelectorRequirement } from "../meta.ts";

/** Fields of a struct whose types decoding has checked, but that the compiler does not know. */
export type Fields = Readonly<Record<string, unknown>>;

/** Reads a map of texts; anything else in it is left out. */
export function asLabels(value: unknown): Readonly<Record<string, string>> | undefined {
  if (!isObject(value)) return undefined;
  const pairs = Object.entries(value).filter((pair): pair is [string, string] => typeof pair[1] === "string");
  return Object.fromEntries(pairs);
}

/** Reads a label selector; a requirement without key or operator is left out. */
export function asLabelSelector(value: unknown): LabelSelector | undefined {
  if (!isObject(value)) return undefined;
  const matchLabels = asLabels(value.matchLabels);
  const expressions = Array.isArray(value.matchExpressions) ? value.matchExpressions.filter(isRequirement) : undefined;
  return {
    ...(matchLabels === undefined ? {} : { matchLabels }),
    ...(expressions === undefined ? {} : { matchExpressions: expressions }),
  };
}

function isRequirement(value: unknown): value is LabelSelectorRequirement {
  return isObject(value) && typeof value.key === "string" && typeof value.operator === "string";
}

/** The objects of a list. */
export function asStructs(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** Writes an int-or-string as Go's `%#v` does. */
export function goIntOrString(value: unknown): string {
  return typeof value === "string"
    ? `intstr.IntOrString{Type:1, IntVal:0, StrVal:${JSON.stringify(value)}}`
    : `intstr.IntOrString{Type:0, IntVal:${typeof value === "number" ? value : 0}, StrVal:""}`;
}

/** Writes a label selector as Go's `%#v` does. */
export function goLabelSelector(selector: LabelSelector | undefined): string {
  const labels = Object.entries(selector?.matchLabels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const shownLabels =
    selector?.matchLabels === undefined
      ? "map[string]string(nil)"
      : `map[string]string{${labels.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(", ")}}`;
  const expressions = selector?.matchExpressions?.map(goRequirement).join(", ");
  const list = "[]v1.LabelSelectorRequirement";
  return `v1.LabelSelector{MatchLabels:${shownLabels}, MatchExpressions:${list}${expressions === undefined ? "(nil)" : `{${expressions}}`}}`;
}

function goRequirement(requirement: LabelSelectorRequirement): string {
  const { key, operator, values } = requirement;
  const list =
    values === undefined ? "[]string(nil)" : `[]string{${values.map((value) => JSON.stringify(value)).join(", ")}}`;
  return `v1.LabelSelectorRequirement{Key:${JSON.stringify(key)}, Operator:${JSON.stringify(operator)}, Values:${list}}`;
}

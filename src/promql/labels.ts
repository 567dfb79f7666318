import { quote } from "./quoting.ts";

/** The label that holds a metric's name. */
export const METRIC_NAME = "__name__";

/**
 * An immutable label set. Names are sorted and unique, empty values left out (PromQL does not tell an empty label from a
 * missing one). Two label sets are equal when their keys are.
 */
export interface Labels {
  /** Name, value, name, value, … in the order of names. */
  readonly pairs: readonly string[];
  /** Identity of the set, for maps. */
  readonly key: string;
}

const SEPARATOR = "\u0000";

export const emptyLabels: Labels = { pairs: [], key: "" };

/** Builds a label set from entries in any order; of entries with the same name the last wins. */
export function createLabels(entries: Iterable<readonly [string, string]>): Labels {
  const byName = new Map<string, string>();
  for (const [name, value] of entries) byName.set(name, value);
  const names = [...byName.keys()].sort(compareText);
  const pairs: string[] = [];
  for (const name of names) {
    const value = byName.get(name) ?? "";
    if (value !== "") pairs.push(name, value);
  }
  return fromSortedPairs(pairs);
}

function fromSortedPairs(pairs: readonly string[]): Labels {
  return pairs.length === 0 ? emptyLabels : { pairs, key: pairs.join(SEPARATOR) };
}

/** Value of a label, empty when the set has none of that name. */
export function labelValue(labels: Labels, name: string): string {
  const { pairs } = labels;
  for (let i = 0; i < pairs.length; i += 2) if (pairs[i] === name) return pairs[i + 1] ?? "";
  return "";
}

export function labelEntries(labels: Labels): [string, string][] {
  const entries: [string, string][] = [];
  for (let i = 0; i < labels.pairs.length; i += 2) entries.push([labels.pairs[i] ?? "", labels.pairs[i + 1] ?? ""]);
  return entries;
}

/** The set without the named labels. */
export function dropLabels(labels: Labels, names: readonly string[]): Labels {
  return filterLabels(labels, (name) => !names.includes(name));
}

/** The set with nothing but the named labels. */
export function keepLabels(labels: Labels, names: readonly string[]): Labels {
  return filterLabels(labels, (name) => names.includes(name));
}

/** The set without the metric name, which every operation that makes a new quantity drops. */
export function dropMetricName(labels: Labels): Labels {
  // "__name__" sorts before every lower-case name but not before upper-case ones, so it can stand anywhere.
  return labels.pairs.includes(METRIC_NAME) ? filterLabels(labels, (name) => name !== METRIC_NAME) : labels;
}

/** The set with the given labels set; an empty value removes the label. */
export function withLabels(labels: Labels, changes: Iterable<readonly [string, string]>): Labels {
  return createLabels([...labelEntries(labels), ...changes]);
}

function filterLabels(labels: Labels, keeps: (name: string) => boolean): Labels {
  const pairs: string[] = [];
  for (let i = 0; i < labels.pairs.length; i += 2) {
    const name = labels.pairs[i] ?? "";
    if (keeps(name)) pairs.push(name, labels.pairs[i + 1] ?? "");
  }
  return pairs.length === labels.pairs.length ? labels : fromSortedPairs(pairs);
}

/** Order of label sets: by name, then by value, the shorter first. Source: Prometheus `labels.Compare`. */
export function compareLabels(a: Labels, b: Labels): number {
  const length = Math.min(a.pairs.length, b.pairs.length);
  for (let i = 0; i < length; i++) {
    const order = compareText(a.pairs[i] ?? "", b.pairs[i] ?? "");
    if (order !== 0) return order;
  }
  return a.pairs.length - b.pairs.length;
}

export function compareText(a: string, b: string): number {
  if (a < b) return -1;
  return a > b ? 1 : 0;
}

/** Writes a label set as Prometheus does in its messages: `{a="b", c="d"}`. */
export function formatLabels(labels: Labels): string {
  return `{${labelEntries(labels)
    .map(([name, value]) => `${name}=${quote(value)}`)
    .join(", ")}}`;
}

/** True for any non-empty text that is valid UTF-8. Source: Prometheus 3 `model.UTF8Validation`. */
export function isLabelName(name: string): boolean {
  return name !== "" && !/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(name);
}

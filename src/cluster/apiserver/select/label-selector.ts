import type { LabelSelector, LabelSelectorRequirement } from "#api";
import { unreachable } from "#base";
import { badRequest } from "../status/status-error.ts";

type Labels = Readonly<Record<string, string>>;

/** A parsed selector of a request: tells whether labels satisfy it. */
export type LabelMatcher = (labels: Labels | undefined) => boolean;

/** More requirements than anyone writes; each costs a comparison for every object of a list. */
const REQUIREMENT_COUNT_MAX = 200;
const KEY = "([A-Za-z0-9./_-]+)";
const SET = new RegExp(`^${KEY}\\s+(in|notin)\\s*\\(([^()]*)\\)$`);
const COMPARISON = new RegExp(`^${KEY}\\s*(==|=|!=)\\s*([A-Za-z0-9._-]*)$`);
const EXISTENCE = new RegExp(`^(!?)\\s*${KEY}$`);

/**
 * Parses `a=b,c!=d,e in (f,g),h notin (i),j,!k`. An empty text matches everything.
 *
 * Source: apimachinery `labels.Parse`; an object without the key satisfies `!=` and `notin`.
 *
 * @throws StatusError 400 with the part that cannot be read.
 */
export function parseLabelSelector(text: string): LabelMatcher {
  const tests = parseRequirements(text).map(testOf);
  return (labels) => tests.every((test) => test(labels ?? {}));
}

/**
 * The same as an object, for who has to look into it. What is no contradiction of an earlier `a=b` is in `matchLabels`.
 *
 * @throws StatusError 400
 */
export function readLabelSelector(text: string): LabelSelector {
  const matchLabels = new Map<string, string>();
  const matchExpressions: LabelSelectorRequirement[] = [];
  for (const requirement of parseRequirements(text)) {
    const { key, operator, values } = requirement;
    const [value] = values;
    const isPair = operator === "In" && values.length === 1 && value !== undefined && !matchLabels.has(key);
    if (isPair) matchLabels.set(key, value);
    else matchExpressions.push(requirement);
  }
  return {
    ...(matchLabels.size === 0 ? {} : { matchLabels: Object.fromEntries(matchLabels) }),
    ...(matchExpressions.length === 0 ? {} : { matchExpressions }),
  };
}

type Requirement = LabelSelectorRequirement & { readonly values: readonly string[] };

function parseRequirements(text: string): readonly Requirement[] {
  if (text.trim() === "") return [];
  const parts = splitOutsideParentheses(text);
  if (parts.length > REQUIREMENT_COUNT_MAX)
    throw badRequest(`unable to parse requirement: more than ${REQUIREMENT_COUNT_MAX} of them`);
  return parts.map((part) => parseRequirement(part.trim()));
}

function parseRequirement(text: string): Requirement {
  const comparison = COMPARISON.exec(text);
  if (comparison !== null) {
    const [, key = "", operator, value = ""] = comparison;
    return { key, operator: operator === "!=" ? "NotIn" : "In", values: [value] };
  }
  const set = SET.exec(text);
  if (set !== null) {
    const [, key = "", operator, list = ""] = set;
    return {
      key,
      operator: operator === "in" ? "In" : "NotIn",
      values: list.split(",").map((value) => value.trim()),
    };
  }
  const existence = EXISTENCE.exec(text);
  if (existence === null)
    throw badRequest(`unable to parse requirement: ${JSON.stringify(text)} is no label requirement`);
  const [, negation, key = ""] = existence;
  return { key, operator: negation === "!" ? "DoesNotExist" : "Exists", values: [] };
}

function testOf({ key, operator, values }: Requirement): (labels: Labels) => boolean {
  const wanted = new Set<string | undefined>(values);
  switch (operator) {
    case "In":
      return (labels) => wanted.has(own(labels, key));
    case "NotIn":
      return (labels) => !wanted.has(own(labels, key));
    case "Exists":
      return (labels) => own(labels, key) !== undefined;
    case "DoesNotExist":
      return (labels) => own(labels, key) === undefined;
    default:
      return unreachable(operator);
  }
}

function own(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

function splitOutsideParentheses(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "(") depth += 1;
    else if (text[at] === ")") depth -= 1;
    else if (text[at] === "," && depth === 0) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return [...parts, text.slice(start)];
}

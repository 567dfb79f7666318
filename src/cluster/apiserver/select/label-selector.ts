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
  if (text.trim() === "") return () => true;
  const parts = splitOutsideParentheses(text);
  if (parts.length > REQUIREMENT_COUNT_MAX)
    throw badRequest(`unable to parse requirement: more than ${REQUIREMENT_COUNT_MAX} of them`);
  const requirements = parts.map((part) => parseRequirement(part.trim()));
  return (labels) => requirements.every((requirement) => requirement(labels ?? {}));
}

function parseRequirement(text: string): (labels: Labels) => boolean {
  const comparison = COMPARISON.exec(text);
  if (comparison !== null) {
    const [, key = "", operator, value = ""] = comparison;
    return operator === "!=" ? (labels) => own(labels, key) !== value : (labels) => own(labels, key) === value;
  }
  const set = SET.exec(text);
  if (set !== null) {
    const [, key = "", operator, list = ""] = set;
    const values = new Set<string | undefined>(list.split(",").map((value) => value.trim()));
    return operator === "in" ? (labels) => values.has(own(labels, key)) : (labels) => !values.has(own(labels, key));
  }
  const existence = EXISTENCE.exec(text);
  if (existence === null)
    throw badRequest(`unable to parse requirement: ${JSON.stringify(text)} is no label requirement`);
  const [, negation, key = ""] = existence;
  return (labels) => (own(labels, key) === undefined) === (negation === "!");
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

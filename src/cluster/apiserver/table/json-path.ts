import { isObject } from "#base";

/**
 * A path into an object as printer columns write it: `.spec.size`, `.a['b.c']`, `.list[0]`, `.list[*].name`,
 * `.conditions[?(@.type=="Ready")].status`.
 *
 * Source: the part of client-go `jsonpath` that real CRDs use; recursive descent, unions and ranges are refused.
 */
export type JsonPath = readonly Step[];

type Step =
  | { readonly kind: "field"; readonly name: string }
  | { readonly kind: "index"; readonly index: number }
  | { readonly kind: "all" }
  | { readonly kind: "filter"; readonly path: JsonPath; readonly test: Test };

interface Test {
  readonly operator: "exists" | "==" | "!=" | "<" | "<=" | ">" | ">=";
  readonly value: unknown;
}

/** Parses a path; undefined when it is malformed or uses what is not supported. */
export function parseJsonPath(text: string): JsonPath | undefined {
  const body = text.replace(/^\{(.*)\}$/s, "$1").replace(/^\$/, "");
  const steps: Step[] = [];
  let rest = body;
  while (rest !== "" && rest !== ".") {
    const taken = takeStep(rest);
    if (taken === undefined) return undefined;
    steps.push(taken.step);
    rest = rest.slice(taken.length);
  }
  return steps;
}

function takeStep(text: string): { step: Step; length: number } | undefined {
  const field = /^\.((?:[^.[\]\\'"(){}\s]|\\.)+)/.exec(text);
  if (field !== null) {
    const name = unescape(field[1] ?? "");
    return { step: name === "*" ? { kind: "all" } : { kind: "field", name }, length: field[0].length };
  }
  const bracket = /^\.?\[\s*(?:(\*)|(-?\d{1,9})|'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\s*\]/.exec(text);
  if (bracket !== null) return { step: bracketStep(bracket), length: bracket[0].length };
  const filter = /^\[\?\(\s*@(.*?)\s*(?:(==|!=|<=|>=|<|>)\s*('[^']*'|"[^"]*"|[^\s'")]+)\s*)?\)\]/.exec(text);
  const step = filter === null ? undefined : filterStep(filter);
  return filter === null || step === undefined ? undefined : { step, length: filter[0].length };
}

function bracketStep([, all, index, single, double]: RegExpExecArray): Step {
  if (all !== undefined) return { kind: "all" };
  if (index !== undefined) return { kind: "index", index: Number(index) };
  return { kind: "field", name: unescape(single ?? double ?? "") };
}

function filterStep([, inner, operator, literal]: RegExpExecArray): Step | undefined {
  const path = parseJsonPath(inner ?? "");
  if (path === undefined) return undefined;
  if (operator === undefined || literal === undefined) {
    return { kind: "filter", path, test: { operator: "exists", value: undefined } };
  }
  const value = parseLiteral(literal);
  return value === undefined
    ? undefined
    : { kind: "filter", path, test: { operator: operator as Test["operator"], value } };
}

function parseLiteral(text: string): unknown {
  if (/^(['"]).*\1$/.test(text)) return text.slice(1, -1);
  if (text === "true" || text === "false") return text === "true";
  return /^-?\d+(?:\.\d+)?$/.test(text) ? Number(text) : undefined;
}

function unescape(text: string): string {
  return text.replace(/\\(.)/g, "$1");
}

/** The values that a path leads to, in document order; none when a field is missing. */
export function evaluateJsonPath(path: JsonPath, value: unknown): readonly unknown[] {
  return path.reduce<readonly unknown[]>((values, step) => values.flatMap((item) => follow(step, item)), [value]);
}

function follow(step: Step, value: unknown): readonly unknown[] {
  switch (step.kind) {
    case "field":
      return isObject(value) && Object.hasOwn(value, step.name) ? [value[step.name]] : [];
    case "index": {
      if (!Array.isArray(value)) return [];
      const index = step.index < 0 ? value.length + step.index : step.index;
      return index in value ? [value[index]] : [];
    }
    case "all":
      return Array.isArray(value)
        ? value
        : isObject(value)
          ? Object.keys(value)
              .sort()
              .map((key) => value[key])
          : [];
    case "filter":
      return Array.isArray(value)
        ? value.filter((item) => passes(step.test, evaluateJsonPath(step.path, item)[0]))
        : [];
  }
}

function passes({ operator, value }: Test, found: unknown): boolean {
  if (operator === "exists") return found !== undefined;
  if (typeof found !== typeof value) return false;
  if (operator === "==") return found === value;
  if (operator === "!=") return found !== value;
  const order = compare(found, value);
  if (order === undefined) return false;
  if (operator === "<") return order < 0;
  if (operator === "<=") return order <= 0;
  return operator === ">" ? order > 0 : order >= 0;
}

function compare(a: unknown, b: unknown): number | undefined {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "string" && typeof b === "string") return a < b ? -1 : a > b ? 1 : 0;
  return undefined;
}

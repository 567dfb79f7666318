import { err, isObject, ok, type Result } from "#base";

/**
 * The part of the GJSON path language that leads to a value: `a.b`, `a\.b` for a dot in a key, `list.0`, `list.#` for a
 * length, `list.#.a` for all of them, `list.#(a=="x").b` for the first that fits and `#(…)#` for all that do, `*` and `?`
 * in keys, and `|` between parts. Modifiers (`@…`), literals (`!…`) and paths that build objects are not executed.
 *
 * Source: GJSON, path syntax.
 */
export type GjsonPath = readonly GjsonStep[];

type GjsonStep = {
  /** Whether a `|` stands before it: then it is about a whole list and not about each of its members. */
  readonly isPiped: boolean;
} & (
  | { readonly kind: "key"; readonly key: string; readonly pattern: string | undefined }
  | { readonly kind: "each" }
  | { readonly kind: "find"; readonly query: Query; readonly isAll: boolean }
);

interface Query {
  readonly path: GjsonPath;
  readonly operator: "==" | "!=" | "<" | "<=" | ">" | ">=" | "%" | "!%" | "exists";
  readonly operand: unknown;
}

/** Longer and deeper than anyone writes. */
const MAX_LENGTH = 1024;
const MAX_DEPTH = 8;

/** Reads a path; the error says which part is not understood. */
export function parseGjsonPath(text: string, depth = 0): Result<GjsonPath, string> {
  if (text.length > MAX_LENGTH) return err(`it is longer than ${MAX_LENGTH} characters`);
  if (depth > MAX_DEPTH) return err(`it has more than ${MAX_DEPTH} queries inside each other`);
  const steps: GjsonStep[] = [];
  for (let at = 0, isPiped = false; at <= text.length; ) {
    const end = endOfPart(text, at);
    const step = parseStep(text.slice(at, end), isPiped, depth);
    if (!step.ok) return step;
    steps.push(step.value);
    isPiped = text[end] === "|";
    at = end + 1;
  }
  return ok(steps);
}

/** Position of the separator that ends the part which begins at `at`. */
function endOfPart(text: string, at: number): number {
  let depth = 0;
  let isQuoted = false;
  let index = at;
  for (; index < text.length; index++) {
    const char = text[index];
    if (char === "\\") index++;
    else if (depth > 0 && char === '"') isQuoted = !isQuoted;
    else if (isQuoted) continue;
    else if (char === "(" && (depth > 0 || text.slice(at, index) === "#")) depth++;
    else if (char === ")" && depth > 0) depth--;
    else if (depth === 0 && (char === "." || char === "|")) break;
  }
  return Math.min(index, text.length);
}

function parseStep(part: string, isPiped: boolean, depth: number): Result<GjsonStep, string> {
  if (part === "") return err("it has an empty part");
  if (part === "#") return ok({ isPiped, kind: "each" });
  if (part.startsWith("#(")) return parseFind(part, isPiped, depth);
  if (/^[@!{[]/.test(part)) return err(`"${part}" builds or changes a value, which is not executed`);
  const key = part.replaceAll(/\\(.)/g, "$1");
  const hasWildcard = /[*?]/.test(part.replaceAll(/\\./g, ""));
  return ok({ isPiped, kind: "key", key, pattern: hasWildcard ? part : undefined });
}

function parseFind(part: string, isPiped: boolean, depth: number): Result<GjsonStep, string> {
  const match = /^#\((.*)\)(#?)$/s.exec(part);
  if (match === null) return err(`the query "${part}" does not end with ")"`);
  const [, inner = "", all] = match;
  const query = parseQuery(inner, depth);
  return query.ok ? ok({ isPiped, kind: "find", query: query.value, isAll: all === "#" }) : query;
}

function parseQuery(text: string, depth: number): Result<Query, string> {
  const at = operatorAt(text);
  const operator = /^(?:==|!=|<=|>=|!%|<|>|%|=)/.exec(text.slice(at))?.[0] ?? "";
  const left = text.slice(0, at).trim();
  const path = left === "" ? ok([]) : parseGjsonPath(left, depth + 1);
  if (!path.ok) return path;
  if (operator === "")
    return left === "" ? err("a query is empty") : ok({ path: path.value, operator: "exists", operand: undefined });
  const operand = text.slice(at + operator.length).trim();
  if (operand.startsWith("~")) return err(`the query "${text}" compares with "~", which is not executed`);
  // A single "=" is the older way to write it.
  const known = operator === "=" ? "==" : (operator as Query["operator"]);
  return ok({ path: path.value, operator: known, operand: parseOperand(operand) });
}

/** Where the comparison begins, outside of quotes and of queries within; the end when there is none. */
function operatorAt(text: string): number {
  let depth = 0;
  let isQuoted = false;
  for (let index = 0; index < text.length; index++) {
    const char = text[index] ?? "";
    if (char === "\\") index++;
    else if (char === '"') isQuoted = !isQuoted;
    else if (isQuoted) continue;
    else if (char === "(") depth++;
    else if (char === ")") depth--;
    else if (depth === 0 && "=!<>%".includes(char)) return index;
  }
  return text.length;
}

/** A JSON value, or a text without quotes. */
function parseOperand(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The value that the path leads to; undefined when there is none. */
export function valueAt(value: unknown, path: GjsonPath): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  if (step.kind === "key") {
    const child = childOf(value, step);
    return child === undefined ? undefined : valueAt(child, rest);
  }
  if (!Array.isArray(value)) return undefined;
  const members: readonly unknown[] = value;
  if (step.kind === "find" && !step.isAll) {
    const found = members.find((member) => fits(member, step.query));
    return found === undefined ? undefined : valueAt(found, rest);
  }
  const list = step.kind === "find" ? members.filter((member) => fits(member, step.query)) : members;
  return listValue(list, { rest, isLength: step.kind === "each" });
}

/** What follows a list is asked of each member, up to a `|`, from where on it is asked of the list. */
function listValue(list: readonly unknown[], { rest, isLength }: { rest: GjsonPath; isLength: boolean }): unknown {
  const pipe = rest.findIndex(({ isPiped }) => isPiped);
  const ofEach = pipe < 0 ? rest : rest.slice(0, pipe);
  const ofAll = pipe < 0 ? [] : rest.slice(pipe);
  if (ofEach.length === 0) return valueAt(isLength ? list.length : list, ofAll);
  const values = list.map((member) => valueAt(member, ofEach)).filter((member) => member !== undefined);
  return valueAt(values, ofAll);
}

function childOf(value: unknown, { key, pattern }: { key: string; pattern: string | undefined }): unknown {
  if (Array.isArray(value)) return /^\d{1,9}$/.test(key) ? (value as unknown[])[Number(key)] : undefined;
  if (!isObject(value)) return undefined;
  if (pattern === undefined) return Object.hasOwn(value, key) ? value[key] : undefined;
  const name = Object.keys(value).find((candidate) => matchesPattern(candidate, pattern));
  return name === undefined ? undefined : value[name];
}

function fits(member: unknown, { path, operator, operand }: Query): boolean {
  // Members that are no objects have no keys to compare by.
  const value = valueAt(member, path);
  if (value === undefined) return false;
  if (operator === "exists") return true;
  if (operator === "%" || operator === "!%")
    return typeof value === "string" && matchesPattern(value, String(operand)) === (operator === "%");
  const order = compare(value, operand);
  if (order === undefined) return operator === "!=" && typeof value === typeof operand;
  const verdicts = {
    "==": order === 0,
    "!=": order !== 0,
    "<": order < 0,
    "<=": order <= 0,
    ">": order > 0,
    ">=": order >= 0,
  };
  return verdicts[operator];
}

/** Order of two values of one type; undefined when they cannot be compared. */
function compare(left: unknown, right: unknown): number | undefined {
  if (typeof left === "number" && typeof right === "number") return left - right;
  if (typeof left === "string" && typeof right === "string") return left === right ? 0 : left < right ? -1 : 1;
  if (typeof left === "boolean" && typeof right === "boolean") return Number(left) - Number(right);
  return left === null && right === null ? 0 : undefined;
}

/**
 * `*` for any text, `?` for any character, `\` before one that is meant itself. On a mismatch the last `*` takes one more
 * character, so the time is in the product of the lengths; longer texts than a pattern may be long do not match.
 */
function matchesPattern(text: string, pattern: string): boolean {
  if (text.length > MAX_LENGTH) return false;
  const tokens = pattern.match(/\\.|./gs) ?? [];
  let at = 0;
  let star = -1;
  let starTextAt = 0;
  for (let textAt = 0; textAt < text.length; ) {
    const token = tokens[at];
    if (token === "*") {
      star = at++;
      starTextAt = textAt;
    } else if (token === "?" || (token !== undefined && token.at(-1) === text[textAt])) {
      at++;
      textAt++;
    } else if (star >= 0) {
      at = star + 1;
      textAt = ++starTextAt;
    } else return false;
  }
  return tokens.slice(at).every((token) => token === "*");
}

import { err, ok, type Result } from "#base";
import { type Piece, splitTemplate, TemplateError, type Token, tokensOf } from "./template-lexer.ts";

/** What `{{ name }}` and the like stand for. Source: flagger-spec 5.3. */
export interface TemplateValues {
  readonly name: string;
  readonly namespace: string;
  readonly target: string;
  readonly service: string;
  readonly ingress: string;
  readonly route: string;
  readonly interval: string;
  readonly variables: Readonly<Record<string, string>>;
}

type Value = string | number | boolean | Readonly<Record<string, string>>;

/** Queries are a few hundred characters; a template that makes more is a mistake. */
const MAX_OUTPUT_LENGTH = 64 * 1024;

/**
 * Renders a query template: Go's template language without dot, loops and assignments.
 *
 * Known: the values, `variables.KEY`, texts, numbers, `printf`, `index`, `eq`, `ne`, `and`, `or`, `not`, pipes,
 * parentheses, `if`/`else if`/`else`/`end`, comments and trim markers. The error names line and column.
 */
export function renderTemplate(source: string, values: TemplateValues): Result<string, string> {
  try {
    const text = render(source, values);
    if (text.length > MAX_OUTPUT_LENGTH)
      return err(`the rendered query is longer than ${MAX_OUTPUT_LENGTH} characters`);
    return ok(text);
  } catch (thrown) {
    if (thrown instanceof TemplateError) return err(thrown.message);
    throw thrown;
  }
}

/** An `if` that is open: whether a branch was taken, and whether the present one is shown. */
interface Frame {
  readonly offset: number;
  readonly isOuterShown: boolean;
  wasTaken: boolean;
  isShown: boolean;
  hasElse: boolean;
}

function render(source: string, values: TemplateValues): string {
  const frames: Frame[] = [];
  let output = "";
  const isShown = (): boolean => frames.at(-1)?.isShown ?? true;
  for (const piece of splitTemplate(source)) {
    if (piece.kind === "text") {
      if (isShown()) output += piece.text;
      continue;
    }
    if (/^\s*\/\*[\s\S]*\*\/\s*$/.test(piece.source)) continue;
    const scope = { source, values };
    const tokens = tokensOf(piece, source);
    if (!control({ piece, tokens, frames, isShown: isShown(), scope }) && isShown())
      output += textOf(evaluateAll(tokens, piece.offset, scope));
  }
  const open = frames.at(-1);
  if (open !== undefined) throw new TemplateError('"if" is never closed; write {{ end }}', source, open.offset);
  return output;
}

interface Scope {
  readonly source: string;
  readonly values: TemplateValues;
}

/** Executes `if`, `else` and `end`; false when the action is something else. */
function control(at: {
  piece: Extract<Piece, { kind: "action" }>;
  tokens: readonly Token[];
  frames: Frame[];
  isShown: boolean;
  scope: Scope;
}): boolean {
  const { piece, tokens, frames, scope } = at;
  const [head, second] = tokens;
  const frame = frames.at(-1);
  const condition = (from: number): boolean => isTrue(evaluateAll(tokens.slice(from), piece.offset, scope));
  switch (head?.kind === "word" ? head.text : "") {
    case "if": {
      const holds = at.isShown && condition(1);
      frames.push({
        offset: piece.offset,
        isOuterShown: at.isShown,
        wasTaken: holds,
        isShown: holds,
        hasElse: false,
      });
      return true;
    }
    case "else": {
      if (frame === undefined || frame.hasElse)
        throw new TemplateError('"else" has no "if"', scope.source, piece.offset);
      const isElseIf = second?.text === "if";
      const mayShow = frame.isOuterShown && !frame.wasTaken;
      frame.isShown = mayShow && (!isElseIf || condition(2));
      frame.wasTaken ||= frame.isShown;
      frame.hasElse = !isElseIf;
      return true;
    }
    case "end":
      if (frames.pop() === undefined) throw new TemplateError('"end" has no "if"', scope.source, piece.offset);
      return true;
    case "range":
    case "with":
    case "define":
    case "template":
    case "block":
      throw new TemplateError(`"${head?.text ?? ""}" is not supported in query templates`, scope.source, piece.offset);
    default:
      return false;
  }
}

/** Reads one pipeline to its end. */
function evaluateAll(tokens: readonly Token[], offset: number, scope: Scope): Value {
  const reader = { tokens, at: 0, offset, scope };
  const value = pipeline(reader);
  const rest = tokens[reader.at];
  if (rest !== undefined) throw new TemplateError(`unexpected "${rest.text}"`, scope.source, rest.offset);
  return value;
}

interface Reader {
  readonly tokens: readonly Token[];
  at: number;
  readonly offset: number;
  readonly scope: Scope;
}

function pipeline(reader: Reader): Value {
  let value = command(reader, []);
  while (reader.tokens[reader.at]?.text === "|" && reader.tokens[reader.at]?.kind === "symbol") {
    reader.at++;
    value = command(reader, [value]);
  }
  return value;
}

function command(reader: Reader, piped: readonly Value[]): Value {
  const head = reader.tokens[reader.at];
  if (head === undefined) throw new TemplateError("an expression is missing", reader.scope.source, reader.offset);
  if (head.kind !== "word" || !FUNCTIONS.has(head.text)) {
    const value = operand(reader);
    if (piped.length > 0) throw new TemplateError(`"${head.text}" takes no argument`, reader.scope.source, head.offset);
    return value;
  }
  reader.at++;
  const args: Value[] = [];
  for (let next = reader.tokens[reader.at]; next !== undefined; next = reader.tokens[reader.at]) {
    if (next.kind === "symbol" && next.text !== "(") break;
    args.push(operand(reader));
  }
  return call(head, [...args, ...piped], reader.scope);
}

function operand(reader: Reader): Value {
  const token = reader.tokens[reader.at];
  if (token === undefined) throw new TemplateError("a value is missing", reader.scope.source, reader.offset);
  reader.at++;
  if (token.kind === "text") return unquote(token, reader.scope.source);
  if (token.kind === "number") return Number(token.text);
  if (token.kind === "word") return lookup(token, reader.scope);
  if (token.text !== "(") throw new TemplateError(`unexpected "${token.text}"`, reader.scope.source, token.offset);
  const value = pipeline(reader);
  if (reader.tokens[reader.at]?.text !== ")")
    throw new TemplateError('"(" is never closed', reader.scope.source, token.offset);
  reader.at++;
  return value;
}

function lookup(token: Token, { source, values }: Scope): Value {
  if (token.text === "true" || token.text === "false") return token.text === "true";
  const [head = "", ...path] = token.text.split(".");
  if (!Object.hasOwn(values, head)) {
    const known = Object.keys(values).join(", ");
    throw new TemplateError(`"${head}" is not defined; known are ${known}`, source, token.offset);
  }
  const value = values[head as keyof TemplateValues];
  if (path.length === 0) return value;
  const [key = ""] = path;
  if (typeof value === "string" || path.length > 1)
    throw new TemplateError(`"${token.text}" has no fields`, source, token.offset);
  return field(value, key, { token, source });
}

function field(map: Readonly<Record<string, string>>, key: string, at: { token: Token; source: string }): string {
  const value = Object.hasOwn(map, key) ? map[key] : undefined;
  if (value !== undefined) return value;
  throw new TemplateError(`variable "${key}" is not set; add it to templateVariables`, at.source, at.token.offset);
}

const FUNCTIONS = new Set(["printf", "index", "eq", "ne", "and", "or", "not"]);

function call(name: Token, args: readonly Value[], { source }: Scope): Value {
  const [first, second] = args;
  const need = (count: number): void => {
    if (args.length < count)
      throw new TemplateError(`"${name.text}" needs ${count} arguments, received ${args.length}`, source, name.offset);
  };
  switch (name.text) {
    case "printf":
      need(1);
      return printf(args, { token: name, source });
    case "index":
      need(2);
      if (typeof first !== "object") throw new TemplateError('"index" works on variables only', source, name.offset);
      return field(first, textOf(second ?? ""), { token: name, source });
    case "eq":
      need(2);
      return args.slice(1).some((other) => other === first);
    case "ne":
      need(2);
      return first !== second;
    case "not":
      need(1);
      return !isTrue(first ?? false);
    case "and":
      need(1);
      return args.find((value) => !isTrue(value)) ?? args.at(-1) ?? false;
    default:
      need(1);
      return args.find(isTrue) ?? args.at(-1) ?? false;
  }
}

/** The verbs %s, %v, %d, %q and %%. */
function printf(args: readonly Value[], at: { token: Token; source: string }): string {
  const [format = "", ...values] = args;
  let next = 0;
  return textOf(format).replace(/%(.)/g, (_, verb: string) => {
    if (verb === "%") return "%";
    const value = values[next++];
    if (value === undefined) throw new TemplateError(`printf has no value for "%${verb}"`, at.source, at.token.offset);
    if (verb === "q") return JSON.stringify(textOf(value));
    if (verb === "s" || verb === "v" || verb === "d") return textOf(value);
    throw new TemplateError(`printf knows %s, %v, %d and %q, not "%${verb}"`, at.source, at.token.offset);
  });
}

function unquote(token: Token, source: string): string {
  if (token.text.startsWith("`")) return token.text.slice(1, -1);
  try {
    return String(JSON.parse(token.text));
  } catch {
    throw new TemplateError(`${token.text} is no valid text`, source, token.offset);
  }
}

function textOf(value: Value): string {
  if (typeof value !== "object") return String(value);
  // As Go prints a map.
  return `map[${Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, item]) => `${key}:${item}`)
    .join(" ")}]`;
}

function isTrue(value: Value): boolean {
  return typeof value === "object" ? Object.keys(value).length > 0 : value !== "" && value !== 0 && value !== false;
}

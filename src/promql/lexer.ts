import { unquote } from "./quoting.ts";

/**
 * A lexical element. `text` is as written, except for strings, where it is the decoded value, and for the end, where it names
 * a parenthesis that is still open.
 */
export interface Token {
  readonly kind: "identifier" | "number" | "duration" | "string" | "symbol" | "end";
  readonly text: string;
  /** Value of a number, or of a duration in milliseconds. */
  readonly value: number;
  readonly offset: number;
}

/** Thrown inside the parser only; `parsePromql` turns it into a problem. */
export class SyntaxFault extends Error {
  readonly offset: number;

  constructor(offset: number, message: string) {
    super(message);
    this.name = "SyntaxFault";
    this.offset = offset;
  }
}

const SPACE = /(?:\s|#[^\n]*)+/y;
const IDENTIFIER = /[a-zA-Z_:][a-zA-Z0-9_:]*/y;
/** Between brackets a colon separates the range from the step of a subquery. */
const IDENTIFIER_IN_BRACKETS = /[a-zA-Z_][a-zA-Z0-9_]*/y;
const DURATION =
  /(?=\d+[a-z])(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+)s)?(?:(\d+)ms)?(?![\w.])/y;
const NUMBER = /(?:0[xX][0-9a-fA-F]+|(?:\d+(?:_\d+)*(?:\.(?:\d+(?:_\d+)*)?)?|\.\d+(?:_\d+)*)(?:[eE][+-]?\d+)?)(?!\w)/y;
const STRING = /"(?:[^"\\\n]|\\[^\n])*"|'(?:[^'\\\n]|\\[^\n])*'|`[^`]*`/y;
const SYMBOL = /==|!=|=~|!~|<=|>=|[-+*/%^<>=(){}[\],:@]/y;

const UNCLOSED = "unclosed left parenthesis";

const DURATION_UNITS_MS = [365 * 86_400_000, 7 * 86_400_000, 86_400_000, 3_600_000, 60_000, 1000, 1];

/** Splits a query into tokens, the last of which is `end`. Source: Prometheus `promql/parser/lex.go`. @throws SyntaxFault */
export function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let offset = 0;
  let bracketDepth = 0;
  let openCount = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = offset;
    return pattern.exec(text);
  };
  while (offset < text.length) {
    const space = take(SPACE);
    if (space !== null) {
      offset += space[0].length;
      continue;
    }
    const token = nextToken(take, { offset, inBrackets: bracketDepth > 0 });
    if (token === undefined) throw unexpectedCharacter(text, offset);
    if (token.text === "(" && token.kind === "symbol") openCount++;
    if (token.text === ")" && token.kind === "symbol") openCount--;
    if (token.text === "[" && token.kind === "symbol") bracketDepth++;
    if (token.text === "]" && token.kind === "symbol") bracketDepth--;
    tokens.push(token);
    offset = token.end;
  }
  tokens.push({ kind: "end", text: openCount > 0 ? UNCLOSED : "", value: 0, offset: text.length });
  return tokens;
}

interface Place {
  readonly offset: number;
  readonly inBrackets: boolean;
}

function nextToken(
  take: (pattern: RegExp) => RegExpExecArray | null,
  { offset, inBrackets }: Place,
): (Token & { readonly end: number }) | undefined {
  const make = (
    kind: Token["kind"],
    written: string,
    decoded?: { readonly text?: string; readonly value?: number },
  ) => ({
    kind,
    text: decoded?.text ?? written,
    value: decoded?.value ?? 0,
    offset,
    end: offset + written.length,
  });
  const duration = take(DURATION);
  if (duration !== null) return make("duration", duration[0], { value: durationMs(duration) });
  const number = take(NUMBER);
  if (number !== null) return make("number", number[0], { value: Number(number[0].replaceAll("_", "")) });
  const identifier = take(inBrackets ? IDENTIFIER_IN_BRACKETS : IDENTIFIER);
  if (identifier !== null) return make("identifier", identifier[0]);
  const string = take(STRING);
  if (string !== null) {
    const decoded = unquote(string[0]);
    if (!decoded.ok) throw new SyntaxFault(offset, `error unquoting string ${string[0]}: ${decoded.error}`);
    return make("string", string[0], { text: decoded.value });
  }
  const symbol = take(SYMBOL);
  return symbol === null ? undefined : make("symbol", symbol[0]);
}

function durationMs(match: RegExpExecArray): number {
  return DURATION_UNITS_MS.reduce((sum, unitMs, i) => sum + Number(match[i + 1] ?? 0) * unitMs, 0);
}

function unexpectedCharacter(text: string, offset: number): SyntaxFault {
  const char = String.fromCodePoint(text.codePointAt(offset) ?? 0);
  if (char === '"' || char === "'") return new SyntaxFault(offset, "unterminated quoted string");
  if (char === "`") return new SyntaxFault(offset, "unterminated raw string");
  if (/\d/.test(char)) {
    const word = /^[\w.]+/.exec(text.slice(offset))?.[0] ?? char;
    return new SyntaxFault(offset, `bad number or duration syntax: "${word}"`);
  }
  return new SyntaxFault(offset, `unexpected character: ${JSON.stringify(char)}`);
}

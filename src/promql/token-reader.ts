import { isLabelName } from "./labels.ts";
import { SyntaxFault, type Token } from "./lexer.ts";

/** A cursor over the tokens of a query. The functions here are the few questions that the parser asks of it. */
export interface TokenReader {
  /** Ends with an `end` token. */
  readonly tokens: readonly Token[];
  index: number;
}

export function peek({ tokens, index }: TokenReader): Token {
  return tokens[index] ?? { kind: "end", text: "", value: 0, offset: tokens.at(-1)?.offset ?? 0 };
}

export function next(reader: TokenReader): Token {
  const token = peek(reader);
  reader.index++;
  return token;
}

export function isSymbolNext(reader: TokenReader, text: string): boolean {
  const token = peek(reader);
  return token.kind === "symbol" && token.text === text;
}

/** Keywords are case-insensitive, and words like others elsewhere: `sum by (by) (offset_total)`. */
export function isKeywordNext(reader: TokenReader, word: string): boolean {
  const token = peek(reader);
  return token.kind === "identifier" && token.text.toLowerCase() === word;
}

export function acceptSymbol(reader: TokenReader, text: string): boolean {
  const isNext = isSymbolNext(reader, text);
  if (isNext) reader.index++;
  return isNext;
}

export function acceptKeyword(reader: TokenReader, word: string): boolean {
  const isNext = isKeywordNext(reader, word);
  if (isNext) reader.index++;
  return isNext;
}

/** The fault of a token that cannot stand where it does; `context` says where, such as `inside braces`. */
export function unexpected(token: Token, context: string): SyntaxFault {
  if (token.kind === "end" && token.text !== "" && !context.includes("brace")) {
    return new SyntaxFault(token.offset, token.text);
  }
  const suffix = context === "" ? "" : ` ${context}`;
  return new SyntaxFault(token.offset, `unexpected ${describe(token)}${suffix}`);
}

/** @throws SyntaxFault when the next token is another */
export function expectSymbol(reader: TokenReader, text: string, context: string): void {
  if (!acceptSymbol(reader, text)) throw unexpected(peek(reader), `${context}, expected "${text}"`);
}

/** Reads `(a, b)`. @throws SyntaxFault */
export function expectLabelList(reader: TokenReader): readonly string[] {
  const labels: string[] = [];
  expectSymbol(reader, "(", "in grouping opts");
  while (!acceptSymbol(reader, ")")) {
    const token = next(reader);
    if (!isLabel(token)) throw unexpected(token, "in grouping opts, expected label");
    labels.push(token.text);
    if (!isSymbolNext(reader, ")")) expectSymbol(reader, ",", "in grouping opts");
  }
  return labels;
}

function isLabel(token: Token): boolean {
  if (token.kind === "identifier") return !token.text.includes(":");
  return token.kind === "string" && isLabelName(token.text);
}

/** Reads a duration, or a number of seconds, with an optional sign. Milliseconds. @throws SyntaxFault */
export function expectSignedDuration(reader: TokenReader, context: string): number {
  const sign = acceptSymbol(reader, "-") ? -1 : 1;
  if (sign === 1) acceptSymbol(reader, "+");
  const token = next(reader);
  if (token.kind === "duration") return sign * token.value;
  if (token.kind === "number") return sign * token.value * 1000;
  throw unexpected(token, `${context}, expected number or duration`);
}

/** Reads a duration above zero, with arithmetic such as `[5m * 2]`. Milliseconds. @throws SyntaxFault */
export function expectPositiveDuration(reader: TokenReader, context: string): number {
  const start = peek(reader);
  const durationMs = durationSum(reader, context);
  if (!(durationMs > 0)) throw new SyntaxFault(start.offset, "duration must be greater than 0");
  return durationMs;
}

function durationSum(reader: TokenReader, context: string): number {
  let sum = durationProduct(reader, context);
  for (;;) {
    if (acceptSymbol(reader, "+")) sum += durationProduct(reader, context);
    else if (acceptSymbol(reader, "-")) sum -= durationProduct(reader, context);
    else return sum;
  }
}

function durationProduct(reader: TokenReader, context: string): number {
  let product = expectSignedDuration(reader, context);
  for (;;) {
    if (acceptSymbol(reader, "*")) product *= expectSignedDuration(reader, context) / 1000;
    else if (acceptSymbol(reader, "/")) product /= expectSignedDuration(reader, context) / 1000;
    else return product;
  }
}

function describe(token: Token): string {
  if (token.kind === "end") return "end of input";
  return token.kind === "symbol" ? `"${token.text}"` : `${token.kind} ${JSON.stringify(token.text)}`;
}

import { isLabelName, METRIC_NAME } from "./labels.ts";
import { SyntaxFault, type Token } from "./lexer.ts";
import { compileMatcher, type LabelMatcher } from "./matcher.ts";
import { acceptSymbol, expectSymbol, isSymbolNext, next, peek, type TokenReader, unexpected } from "./token-reader.ts";

const MATCH_OPERATORS = ["=", "!=", "=~", "!~"] as const;

/** Reads the matchers of a selector after its opening brace. @throws SyntaxFault */
export function parseMatchers(
  reader: TokenReader,
  { start, name }: { readonly start: Token; readonly name: string | undefined },
): readonly LabelMatcher[] {
  const matchers: LabelMatcher[] = name === undefined ? [] : [{ name: METRIC_NAME, op: "=", value: name }];
  let refusesEmpty = name !== undefined;
  while (!acceptSymbol(reader, "}")) {
    const { matcher, acceptsEmpty } = parseMatcher(reader);
    refusesEmpty ||= !acceptsEmpty;
    if (matcher.name === METRIC_NAME && matcher.op === "=") refuseSecondName(matchers, matcher.value, start);
    matchers.push(matcher);
    if (!isSymbolNext(reader, "}")) expectSymbol(reader, ",", "inside braces");
  }
  // A selector that accepts an empty value of every label would select every series.
  if (!refusesEmpty) {
    throw new SyntaxFault(start.offset, "vector selector must contain at least one non-empty matcher");
  }
  return matchers;
}

interface ParsedMatcher {
  readonly matcher: LabelMatcher;
  readonly acceptsEmpty: boolean;
}

function parseMatcher(reader: TokenReader): ParsedMatcher {
  const label = next(reader);
  const isBare = label.kind === "identifier" && !label.text.includes(":");
  if (!isBare && label.kind !== "string") throw unexpected(label, 'inside braces, expected label name or "}"');
  const opToken = peek(reader);
  const op = MATCH_OPERATORS.find((text) => opToken.kind === "symbol" && opToken.text === text);
  if (op === undefined) {
    // A quoted string alone is the metric's name: {"my.metric", job="x"}.
    if (label.kind === "string" && (isSymbolNext(reader, ",") || isSymbolNext(reader, "}"))) {
      return { matcher: { name: METRIC_NAME, op: "=", value: label.text }, acceptsEmpty: label.text === "" };
    }
    throw unexpected(opToken, "inside braces, expected label matching operator");
  }
  if (!isLabelName(label.text)) throw new SyntaxFault(label.offset, `invalid label name ${JSON.stringify(label.text)}`);
  next(reader);
  const value = next(reader);
  if (value.kind !== "string") throw unexpected(value, "in label matching, expected string");
  const matcher: LabelMatcher = { name: label.text, op, value: value.text };
  const compiled = compileMatcher(matcher);
  if (!compiled.ok) throw new SyntaxFault(value.offset, compiled.error);
  return { matcher, acceptsEmpty: compiled.value("") };
}

function refuseSecondName(matchers: readonly LabelMatcher[], name: string, start: Token): void {
  const first = matchers.find((matcher) => matcher.name === METRIC_NAME && matcher.op === "=");
  if (first === undefined) return;
  throw new SyntaxFault(
    start.offset,
    `metric name must not be set twice: ${JSON.stringify(first.value)} or ${JSON.stringify(name)}`,
  );
}

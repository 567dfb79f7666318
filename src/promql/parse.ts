import { err, ok, type Problem, type Result } from "#base";
import type { Expr } from "./ast.ts";
import { checkTypes, TypeFault } from "./check-types.ts";
import { SyntaxFault, tokenize } from "./lexer.ts";
import { parseTokens } from "./parser.ts";
import { locate } from "./position.ts";

/** Longer queries are refused before they are looked at. */
const MAX_QUERY_LENGTH = 100_000;

/**
 * Parses and type-checks a query. The problem's message starts with line and column as in Prometheus:
 * `1:5: parse error: unexpected end of input inside braces`.
 *
 * The grammar is written out here rather than taken from the editors' Lezer grammar, which binds `@`, `offset` and ranges
 * looser than operators (`a - b @ 10 / 2` becomes `((a - b) @ 10) / 2`) and a sign tighter than `^`; that is harmless for
 * highlighting and wrong for evaluation. A test keeps the two in step on what is accepted.
 */
export function parsePromql(text: string): Result<Expr, Problem> {
  if (text.trim() === "") return err(problem("1:1: parse error: no expression found in input"));
  if (text.length > MAX_QUERY_LENGTH) {
    return err(
      problem(`1:1: parse error: query has ${text.length} characters, at most ${MAX_QUERY_LENGTH} are allowed`),
    );
  }
  try {
    const expr = parseTokens(text, tokenize(text));
    checkTypes(expr);
    return ok(expr);
  } catch (thrown) {
    if (!(thrown instanceof SyntaxFault || thrown instanceof TypeFault)) throw thrown;
    const { line, column } = thrown instanceof TypeFault ? thrown.where : locate(text, thrown.offset);
    return err(problem(`${line}:${column}: parse error: ${thrown.message}`));
  }
}

function problem(message: string): Problem {
  return { path: "", code: "promql-syntax", message };
}

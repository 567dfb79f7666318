import { TemplateError, type Token } from "./template-lexer.ts";
import { literalOf } from "./template-literals.ts";
import type { Command, Operand, Pipeline, Term } from "./template-syntax.ts";

/** Deeper nesting than any query has, of blocks or of parentheses; it bounds the recursion. */
export const MAX_DEPTH = 100;

/** Where reading an action stands. */
export interface Reader {
  readonly tokens: readonly Token[];
  at: number;
  readonly offset: number;
  readonly source: string;
  readonly isFunction: (name: string) => boolean;
  /** Names known so far, innermost last. */
  readonly variables: string[];
  /** Of parentheses. */
  depth: number;
}

/** Reads one pipeline to its end, with the variables that it fills. */
export function wholePipeline(reader: Reader, maxVariableCount: number): Pipeline {
  const { names, assigns } = declaration(reader, maxVariableCount);
  const pipeline = readPipeline(reader);
  const rest = reader.tokens[reader.at];
  if (rest !== undefined) throw unexpected(rest, reader);
  // Known from here on, not in the pipeline itself.
  if (!assigns) reader.variables.push(...names);
  return { ...pipeline, variables: names, assigns };
}

function declaration(reader: Reader, maxCount: number): { names: string[]; assigns: boolean } {
  const names: string[] = [];
  let at = reader.at;
  for (let token = reader.tokens[at]; token?.kind === "variable"; token = reader.tokens[at]) {
    names.push(token.text);
    const next = reader.tokens[at + 1];
    if (next?.text === ":=" || next?.text === "=") {
      const assigns = next.text === "=";
      const unknown = assigns ? names.find((name) => !reader.variables.includes(name)) : undefined;
      if (unknown !== undefined) throw new TemplateError(undefinedVariable(unknown), reader.source, token.offset);
      reader.at = at + 2;
      return { names, assigns };
    }
    if (next?.text !== "," || names.length >= maxCount) break;
    at += 2;
  }
  return { names: [], assigns: false };
}

function readPipeline(reader: Reader): Pipeline {
  const offset = reader.tokens[reader.at]?.offset ?? reader.offset;
  const commands = [readCommand(reader)];
  while (reader.tokens[reader.at]?.text === "|") {
    reader.at++;
    commands.push(readCommand(reader));
  }
  return { commands, variables: [], assigns: false, offset };
}

function readCommand(reader: Reader): Command {
  const head = readOperand(reader);
  const args: Operand[] = [];
  for (let next = reader.tokens[reader.at]; next !== undefined; next = reader.tokens[reader.at]) {
    if (next.kind === "symbol" && next.text !== "(" && next.text !== ".") break;
    args.push(readOperand(reader));
  }
  const [first] = args;
  const isCall = head.term.kind === "function" && head.fields.length === 0;
  if (!isCall && first !== undefined)
    throw new TemplateError("a value takes no arguments; only functions do", reader.source, first.offset);
  return { head, args };
}

function readOperand(reader: Reader): Operand {
  const token = reader.tokens[reader.at];
  if (token === undefined)
    throw new TemplateError(
      "an expression is missing; expected a name, a text or a number",
      reader.source,
      reader.offset,
    );
  reader.at++;
  if (!token.isApart && token.kind !== "field" && isValueEnd(reader.tokens[reader.at - 2]))
    throw new TemplateError(`white space is missing before "${token.text}"`, reader.source, token.offset);
  const term = readTerm(token, reader);
  const fields: string[] = token.kind === "field" ? [token.text.slice(1)] : [];
  for (let next = reader.tokens[reader.at]; next?.kind === "field" && !next.isApart; next = reader.tokens[reader.at]) {
    fields.push(next.text.slice(1));
    reader.at++;
  }
  return { term, fields, offset: token.offset };
}

function isValueEnd(token: Token | undefined): boolean {
  return token !== undefined && (token.kind !== "symbol" || token.text === ")" || token.text === ".");
}

function readTerm(token: Token, reader: Reader): Term {
  switch (token.kind) {
    case "text":
    case "number":
      return { kind: "literal", value: literalOf(token, reader.source) };
    case "field":
      return { kind: "dot" };
    case "variable":
      if (!reader.variables.includes(token.text))
        throw new TemplateError(undefinedVariable(token.text), reader.source, token.offset);
      return { kind: "variable", name: token.text };
    case "word":
      if (token.text === "true" || token.text === "false") return { kind: "literal", value: token.text === "true" };
      if (token.text === "nil") return { kind: "literal", value: undefined };
      if (!reader.isFunction(token.text))
        throw new TemplateError(`"${token.text}" is not defined`, reader.source, token.offset);
      return { kind: "function", name: token.text };
    case "symbol":
      if (token.text === ".") return { kind: "dot" };
      if (token.text === "(") return { kind: "pipeline", pipeline: inParentheses(token, reader) };
      throw unexpected(token, reader);
  }
}

function inParentheses(open: Token, reader: Reader): Pipeline {
  if (++reader.depth > MAX_DEPTH)
    throw new TemplateError(`parentheses are nested deeper than ${MAX_DEPTH}`, reader.source, open.offset);
  const pipeline = readPipeline(reader);
  reader.depth--;
  const close = reader.tokens[reader.at++];
  if (close === undefined) throw new TemplateError('"(" is never closed; write ")"', reader.source, open.offset);
  if (close.text !== ")") throw unexpected(close, reader);
  return pipeline;
}

function unexpected(token: Token, reader: Reader): TemplateError {
  return new TemplateError(`unexpected "${token.text}"; expected a value, "|" or "}}"`, reader.source, token.offset);
}

function undefinedVariable(name: string): string {
  return `the variable ${name} is not defined; define it before with {{ ${name} := … }}`;
}

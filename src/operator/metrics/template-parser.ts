import { splitTemplate, TemplateError, type Token } from "./template-lexer.ts";
import { literalOf } from "./template-literals.ts";
import type { Branch, Command, Operand, Pipeline, TemplateNode, Term } from "./template-syntax.ts";

/** Deeper nesting than any query has; it bounds the recursion. */
const MAX_DEPTH = 100;

/**
 * Reads a template into its tree.
 *
 * @throws TemplateError with line, column and what was expected.
 */
export function parseTemplate(source: string, isFunction: (name: string) => boolean): TemplateNode[] {
  const parser = createParser(source, isFunction);
  for (const piece of splitTemplate(source)) {
    if (piece.kind === "text") parser.text(piece.text);
    else parser.action(piece.tokens, piece.offset);
  }
  return parser.end();
}

/** A block that is open. */
interface Frame {
  readonly branch?: { readonly kind: Branch["kind"]; readonly pipeline: Pipeline; readonly offset: number };
  readonly body: TemplateNode[];
  readonly otherwise: TemplateNode[];
  /** Whether `else` was seen. */
  hasElse: boolean;
  /** Whether the block is the `if` of an `else if`, which shares the `end` of the block around it. */
  readonly isChained: boolean;
  /** How many variables were known outside. */
  readonly variableCount: number;
}

function createParser(source: string, isFunction: (name: string) => boolean) {
  const root: Frame = { body: [], otherwise: [], hasElse: false, isChained: false, variableCount: 1 };
  const frames: Frame[] = [root];
  const variables: string[] = ["$"];
  const top = (): Frame => frames.at(-1) ?? root;
  const push = (node: TemplateNode): void => void (top().hasElse ? top().otherwise : top().body).push(node);
  const readerOf = (tokens: readonly Token[], offset: number): Reader => ({
    tokens,
    at: 0,
    offset,
    source,
    isFunction,
    variables,
    depth: 0,
  });

  function open(kind: Branch["kind"], reader: Reader, isChained: boolean): void {
    if (frames.length >= MAX_DEPTH)
      throw new TemplateError(`blocks are nested deeper than ${MAX_DEPTH}`, source, reader.offset);
    const variableCount = variables.length;
    const pipeline = wholePipeline(reader, kind === "range" ? 2 : 1);
    const branch = { kind, pipeline, offset: reader.offset };
    frames.push({ branch, body: [], otherwise: [], hasElse: false, isChained, variableCount });
  }

  function otherwise(reader: Reader): void {
    const frame = top();
    if (frame.branch === undefined || frame.hasElse)
      throw new TemplateError('"else" has no "if", "with" or "range"', source, reader.offset);
    frame.hasElse = true;
    // Variables of the body end with it; those of a condition are known here too.
    const { kind, pipeline } = frame.branch;
    variables.length = frame.variableCount + (kind === "range" || pipeline.assigns ? 0 : pipeline.variables.length);
    const chained = reader.tokens[1];
    if (chained === undefined) return;
    if (chained.text !== "if" && chained.text !== "with")
      throw new TemplateError(`unexpected "${chained.text}" after "else"; expected "}}"`, source, chained.offset);
    open(chained.text, { ...reader, at: 2 }, true);
  }

  function close(offset: number): void {
    for (;;) {
      const frame = top();
      const { branch } = frame;
      if (branch === undefined) throw new TemplateError('"end" has no "if", "with" or "range"', source, offset);
      frames.pop();
      variables.length = frame.variableCount;
      push({ kind: branch.kind, pipeline: branch.pipeline, body: frame.body, otherwise: frame.otherwise });
      if (!frame.isChained) return;
    }
  }

  return {
    text: (text: string): void => {
      if (text !== "") push({ kind: "text", text });
    },
    action(tokens: readonly Token[], offset: number): void {
      const reader = readerOf(tokens, offset);
      const [head, second] = tokens;
      const keyword = head?.kind === "word" ? head.text : "";
      const alone = (): void => {
        if (second !== undefined)
          throw new TemplateError(
            `unexpected "${second.text}" after "${keyword}"; expected "}}"`,
            source,
            second.offset,
          );
      };
      if (keyword === "if" || keyword === "with" || keyword === "range") open(keyword, { ...reader, at: 1 }, false);
      else if (keyword === "else") otherwise(reader);
      else if (keyword === "end") {
        alone();
        close(offset);
      } else if (keyword === "break" || keyword === "continue") {
        alone();
        if (!frames.some(({ branch }) => branch?.kind === "range"))
          throw new TemplateError(`"${keyword}" stands outside of "range"`, source, offset);
        push({ kind: keyword });
      } else if (keyword === "define" || keyword === "template" || keyword === "block")
        throw new TemplateError(`"${keyword}" is not known in query templates; write it out`, source, offset);
      else push({ kind: "print", pipeline: wholePipeline(reader, 1) });
    },
    end(): TemplateNode[] {
      const { branch } = top();
      if (branch !== undefined)
        throw new TemplateError(`"${branch.kind}" is never closed; write {{ end }}`, source, branch.offset);
      return root.body;
    },
  };
}

interface Reader {
  readonly tokens: readonly Token[];
  at: number;
  readonly offset: number;
  readonly source: string;
  readonly isFunction: (name: string) => boolean;
  /** Names known so far, innermost last. */
  readonly variables: string[];
  depth: number;
}

/** Reads one pipeline to its end, with the variables that it fills. */
function wholePipeline(reader: Reader, maxVariableCount: number): Pipeline {
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

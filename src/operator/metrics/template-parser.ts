import { MAX_DEPTH, type Reader, wholePipeline } from "./template-expressions.ts";
import { splitTemplate, TemplateError, type Token } from "./template-lexer.ts";
import type { Branch, Pipeline, TemplateNode } from "./template-syntax.ts";

/**
 * Reads a template into its tree.
 *
 * @throws TemplateError with line, column and what was expected.
 */
export function parseTemplate(source: string, isFunction: (name: string) => boolean): TemplateNode[] {
  const root: Frame = { body: [], otherwise: [], hasElse: false, isChained: false, variableCount: 1 };
  const parser: Parser = { source, isFunction, root, frames: [root], variables: ["$"] };
  for (const piece of splitTemplate(source)) {
    if (piece.kind === "action") readAction(parser, piece.tokens, piece.offset);
    else if (piece.text !== "") push(parser, { kind: "text", text: piece.text });
  }
  const { branch } = top(parser);
  if (branch !== undefined)
    throw new TemplateError(`"${branch.kind}" is never closed; write {{ end }}`, source, branch.offset);
  return root.body;
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

interface Parser {
  readonly source: string;
  readonly isFunction: (name: string) => boolean;
  readonly root: Frame;
  /** Innermost last. */
  readonly frames: Frame[];
  readonly variables: string[];
}

function top({ frames, root }: Parser): Frame {
  return frames.at(-1) ?? root;
}

function push(parser: Parser, node: TemplateNode): void {
  const { hasElse, body, otherwise } = top(parser);
  (hasElse ? otherwise : body).push(node);
}

function readAction(parser: Parser, tokens: readonly Token[], offset: number): void {
  const { source, isFunction, variables, frames } = parser;
  const reader: Reader = { tokens, at: 0, offset, source, isFunction, variables, depth: 0 };
  const [head, second] = tokens;
  const keyword = head?.kind === "word" ? head.text : "";
  switch (keyword) {
    case "if":
    case "with":
    case "range":
      return open(parser, keyword, { reader: { ...reader, at: 1 }, isChained: false });
    case "else":
      return readElse(parser, reader);
    case "define":
    case "template":
    case "block":
      throw new TemplateError(`"${keyword}" is not known in query templates; write it out`, source, offset);
    case "end":
    case "break":
    case "continue":
      if (second !== undefined)
        throw new TemplateError(`unexpected "${second.text}" after "${keyword}"; expected "}}"`, source, second.offset);
      if (keyword === "end") return close(parser, offset);
      if (!frames.some(({ branch }) => branch?.kind === "range"))
        throw new TemplateError(`"${keyword}" stands outside of "range"`, source, offset);
      return push(parser, { kind: keyword });
    default:
      push(parser, { kind: "print", pipeline: wholePipeline(reader, 1) });
  }
}

function open(parser: Parser, kind: Branch["kind"], of: { reader: Reader; isChained: boolean }): void {
  const { reader, isChained } = of;
  const { frames, variables, source } = parser;
  if (frames.length >= MAX_DEPTH)
    throw new TemplateError(`blocks are nested deeper than ${MAX_DEPTH}`, source, reader.offset);
  const variableCount = variables.length;
  const pipeline = wholePipeline(reader, kind === "range" ? 2 : 1);
  const branch = { kind, pipeline, offset: reader.offset };
  frames.push({ branch, body: [], otherwise: [], hasElse: false, isChained, variableCount });
}

function readElse(parser: Parser, reader: Reader): void {
  const frame = top(parser);
  const { source, variables } = parser;
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
  open(parser, chained.text, { reader: { ...reader, at: 2 }, isChained: true });
}

/** Closes a block, and with it those that its `else if` are in. */
function close(parser: Parser, offset: number): void {
  for (;;) {
    const { branch, variableCount, body, otherwise, isChained } = top(parser);
    if (branch === undefined) throw new TemplateError('"end" has no "if", "with" or "range"', parser.source, offset);
    parser.frames.pop();
    parser.variables.length = variableCount;
    push(parser, { kind: branch.kind, pipeline: branch.pipeline, body, otherwise });
    if (!isChained) return;
  }
}

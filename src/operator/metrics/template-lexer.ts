/** A part of a template: text as it is, or the tokens of one `{{ … }}`. */
export type Piece =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "action"; readonly tokens: readonly Token[]; readonly offset: number };

/** A word inside an action. `text` is what stands in the template. */
export interface Token {
  readonly kind: "word" | "field" | "variable" | "text" | "number" | "symbol";
  readonly text: string;
  readonly offset: number;
  /** Whether white space stands before it: `a.b` is a field of `a`, `a .b` are two operands. */
  readonly isApart: boolean;
}

/** The template is wrong at a place. */
export class TemplateError extends Error {
  constructor(message: string, source: string, offset: number) {
    const before = source.slice(0, offset).split("\n");
    super(`line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}: ${message}`);
    this.name = "TemplateError";
  }
}

/** Splits a template into text and actions; `{{-` and `-}}` trim the white space beside them. */
export function splitTemplate(source: string): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  let trimsNext = false;
  for (;;) {
    const open = source.indexOf("{{", at);
    const raw = source.slice(at, open < 0 ? source.length : open);
    const text = trimsNext ? raw.replace(/^[ \t\r\n]+/, "") : raw;
    if (open < 0) return [...pieces, { kind: "text", text }];
    const trimsBefore = /^-[ \t\r\n]/.test(source.slice(open + 2, open + 4));
    pieces.push({ kind: "text", text: trimsBefore ? trimmedEnd(text) : text });
    const start = open + (trimsBefore ? 3 : 2);
    const action = commentAt(source, start, open) ?? actionAt(source, start, open);
    if (action.tokens !== undefined) pieces.push({ kind: "action", tokens: action.tokens, offset: start });
    trimsNext = action.trimsAfter;
    at = action.end;
  }
}

/** By hand: a regular expression that looks for an end tries from every blank, which is quadratic in long blanks. */
function trimmedEnd(text: string): string {
  let end = text.length;
  while (end > 0 && " \t\r\n".includes(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}

interface Action {
  /** Undefined for a comment. */
  readonly tokens?: readonly Token[];
  /** Offset behind the closing braces. */
  readonly end: number;
  readonly trimsAfter: boolean;
}

/** A comment fills its action: the stars stand right beside the braces or the trim markers. */
function commentAt(source: string, start: number, open: number): Action | undefined {
  const from = start + blankCount(source, start);
  if (!source.startsWith("/*", from)) return undefined;
  const close = source.indexOf("*/", from + 2);
  if (close < 0) throw new TemplateError('"/*" is never closed; write "*/}}" after it', source, open);
  const ending = closingAt(source, close + 2);
  if (ending === undefined) throw new TemplateError('after a comment only "}}" may follow', source, close + 2);
  return ending;
}

const TOKEN =
  /(?<text>"(?:[^"\\\n]|\\.)*"|`[^`]*`|'(?:[^'\\\n]|\\.)[^'\n]*')|(?<number>[+-]?(?:0[xXbBoO][0-9a-fA-F_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?))|(?<variable>\$[\p{L}\p{Nd}_]*)|(?<word>[\p{L}_][\p{L}\p{Nd}_]*)|(?<field>\.[\p{L}_][\p{L}\p{Nd}_]*)|(?<symbol>:=|[()|,=.])/uy;
const KINDS = ["text", "number", "variable", "word", "field", "symbol"] as const;

function actionAt(source: string, start: number, open: number): Action {
  const tokens: Token[] = [];
  let at = start;
  for (;;) {
    const blanks = blankCount(source, at);
    const ending = closingAt(source, at);
    if (ending !== undefined) return { ...ending, tokens };
    at += blanks;
    if (at >= source.length) throw new TemplateError('"{{" is never closed; write "}}" after it', source, open);
    TOKEN.lastIndex = at;
    const groups = TOKEN.exec(source)?.groups;
    const kind = KINDS.find((name) => groups?.[name] !== undefined);
    if (groups === undefined || kind === undefined) throw strange(source, at);
    const text = groups[kind] ?? "";
    tokens.push({ kind, text, offset: at, isApart: blanks > 0 || tokens.length === 0 });
    at += text.length;
  }
}

/** `}}` or ` -}}`, with any white space before. */
function closingAt(source: string, from: number): Action | undefined {
  const blanks = blankCount(source, from);
  const at = from + blanks;
  if (source.startsWith("}}", at)) return { end: at + 2, trimsAfter: false };
  if (blanks > 0 && source.startsWith("-}}", at)) return { end: at + 3, trimsAfter: true };
  return undefined;
}

function strange(source: string, at: number): TemplateError {
  const [character = ""] = source.slice(at, at + 2);
  if (character === '"' || character === "`" || character === "'")
    return new TemplateError(`the text that begins with ${character} is never closed`, source, at);
  return new TemplateError(
    `unexpected "${character}"; expected a name, a text, a number, a variable or "}}"`,
    source,
    at,
  );
}

function blankCount(source: string, from: number): number {
  let at = from;
  while (at < source.length && " \t\r\n".includes(source.charAt(at))) at++;
  return at - from;
}

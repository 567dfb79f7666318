/** A piece of a Go template: text, or the inside of `{{ }}` with its offset in the source. */
export type Piece =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "action"; readonly source: string; readonly offset: number };

/** A word inside an action. */
export interface Token {
  readonly kind: "word" | "text" | "number" | "symbol";
  readonly text: string;
  readonly offset: number;
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
    const text = trimsNext ? raw.trimStart() : raw;
    if (open < 0) return [...pieces, { kind: "text", text }];
    const trimsBefore = /^\{\{-\s/.test(source.slice(open, open + 4));
    pieces.push({ kind: "text", text: trimsBefore ? text.trimEnd() : text });
    const close = closingBraces(source, open + 2);
    if (close < 0) throw new TemplateError('"{{" is never closed; write "}}" after it', source, open);
    trimsNext = /\s-$/.test(source.slice(open + 2, close));
    const start = open + (trimsBefore ? 3 : 2);
    const end = trimsNext ? close - 1 : close;
    pieces.push({ kind: "action", source: source.slice(start, end), offset: start });
    at = close + 2;
  }
}

/** Finds `}}` outside of quotes. */
function closingBraces(source: string, from: number): number {
  let quote = "";
  for (let i = from; i < source.length; i++) {
    const c = source.charAt(i);
    if (quote !== "") {
      if (c === "\\" && quote === '"') i++;
      else if (c === quote) quote = "";
    } else if (c === '"' || c === "`") quote = c;
    else if (c === "}" && source.charAt(i + 1) === "}") return i;
  }
  return -1;
}

const TOKEN =
  /\s*(?:(?<text>"(?:[^"\\\n]|\\.)*"|`[^`]*`)|(?<number>-?\d+(?:\.\d+)?)|(?<word>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)|(?<symbol>[()|]))/y;

/** Splits an action into words. */
export function tokensOf(action: { source: string; offset: number }, template: string): Token[] {
  const tokens: Token[] = [];
  const source = action.source.trimEnd();
  let at = 0;
  while (at < source.length) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(source);
    const groups = match?.groups;
    if (match === null || groups === undefined) {
      const skipped = source.slice(at).search(/\S/);
      const where = at + Math.max(0, skipped);
      throw new TemplateError(`unexpected "${source.charAt(where)}"`, template, action.offset + where);
    }
    const kind = (["text", "number", "word", "symbol"] as const).find((name) => groups[name] !== undefined) ?? "symbol";
    const text = groups[kind] ?? "";
    at = TOKEN.lastIndex;
    tokens.push({ kind, text, offset: action.offset + at - text.length });
  }
  return tokens;
}

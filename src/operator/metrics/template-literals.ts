import { TemplateError, type Token } from "./template-lexer.ts";

/** The value of a text, a rune or a number. Source: Go language specification, literals. */
export function literalOf(token: Token, source: string): string | number | bigint {
  if (token.kind === "number") return numberOf(token, source);
  const { text } = token;
  if (text.startsWith("`")) return text.slice(1, -1).replaceAll("\r", "");
  const value = unescaped(token, source);
  if (text.startsWith('"')) return value;
  const runes = Array.from(value);
  if (runes.length !== 1) throw new TemplateError(`${text} is no single character; write "…"`, source, token.offset);
  return BigInt(value.codePointAt(0) ?? 0);
}

const DECIMAL = /^[+-]?(?:0|[1-9](?:_?\d)*)$/;
const BASED = /^([+-]?)(0(?:[xX](?:_?[0-9a-fA-F])+|[bB](?:_?[01])+|[oO](?:_?[0-7])+|(?:_?[0-7])+))$/;
const FLOAT = /^[+-]?(?:\d(?:_?\d)*\.?(?:\d(?:_?\d)*)?|\.\d(?:_?\d)*)(?:[eE][+-]?\d+)?$/;

/** Whole numbers are int64 as in Go, anything with a point or an exponent is a float. */
function numberOf(token: Token, source: string): number | bigint {
  const text = token.text;
  const plain = text.replaceAll("_", "");
  const based = BASED.exec(text);
  if (DECIMAL.test(text) || based !== null) {
    const digits = (based?.[2] ?? plain.replace(/^[+-]/, "")).replaceAll("_", "");
    const size = BigInt(/^0\d/.test(digits) ? `0o${digits.slice(1)}` : digits);
    const value = text.startsWith("-") ? -size : size;
    if (BigInt.asIntN(64, value) === value) return value;
  } else if (/[.eE]/.test(text) && FLOAT.test(text) && Number.isFinite(Number(plain))) return Number(plain);
  throw new TemplateError(`${text} is no valid number`, source, token.offset);
}

const ESCAPE = /\\(?:([abfnrtv\\'"])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.?))/gsu;
const SIMPLE: Readonly<Record<string, string>> = {
  a: "\u0007",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

function unescaped(token: Token, source: string): string {
  const refuse = (escape: string): never => {
    throw new TemplateError(`${token.text} is no valid text: "${escape}" is no escape`, source, token.offset);
  };
  return token.text.slice(1, -1).replace(ESCAPE, (all: string, ...groups: (string | undefined)[]) => {
    const [simple, hex, short, long, octal] = groups;
    if (simple !== undefined) return SIMPLE[simple] ?? simple;
    const digits = hex ?? short ?? long;
    const code = digits !== undefined ? Number.parseInt(digits, 16) : Number.parseInt(octal ?? "x", 8);
    const isByte = hex !== undefined || octal !== undefined;
    // Bytes above ASCII would make text that is not UTF-8.
    if (Number.isNaN(code) || code > 0x10_ff_ff || (code >= 0xd800 && code < 0xe000) || (isByte && code > 127))
      return refuse(all);
    return String.fromCodePoint(code);
  });
}

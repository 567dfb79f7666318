import { err, ok, type Result } from "#base";

/**
 * String literals as Go writes them. A byte that is not part of valid UTF-8 (`"\xff"`) becomes a lone surrogate
 * U+DC00 + byte, which no valid text contains, so that it stays visible and is written back as the escape it was.
 */
const SIMPLE_ESCAPES: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  "\\": 92,
  "'": 39,
  '"': 34,
};

/** Decodes a literal with its quotes. Backquotes take everything literally. Source: Prometheus `util/strutil.Unquote`. */
export function unquote(literal: string): Result<string, string> {
  const quoteMark = literal[0] ?? "";
  const body = literal.slice(1, -1);
  if (quoteMark === "`") return ok(body);
  let text = "";
  let bytes: number[] = [];
  const escape = /\\(?:x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))|([^\\]+)/gsy;
  while (escape.lastIndex < body.length) {
    const match = escape.exec(body);
    if (match === null) return err("invalid syntax");
    const [, hex, octal, short, long, simple, plain] = match;
    const byte =
      hex === undefined ? (octal === undefined ? undefined : Number.parseInt(octal, 8)) : Number.parseInt(hex, 16);
    if (byte !== undefined) {
      if (byte > 255) return err("invalid syntax");
      bytes.push(byte);
      continue;
    }
    text += decodeUtf8(bytes);
    bytes = [];
    const code = short ?? long;
    if (plain !== undefined) text += plain;
    else if (code !== undefined) {
      const point = Number.parseInt(code, 16);
      if (point > 0x10ffff) return err("invalid syntax");
      text += String.fromCodePoint(point);
    } else {
      const value = SIMPLE_ESCAPES[simple ?? ""];
      if (value === undefined || (simple !== quoteMark && (simple === "'" || simple === '"')))
        return err("invalid syntax");
      text += String.fromCharCode(value);
    }
  }
  return ok(text + decodeUtf8(bytes));
}

function decodeUtf8(bytes: readonly number[]): string {
  let text = "";
  for (let i = 0; i < bytes.length; ) {
    const first = bytes[i] ?? 0;
    const length = first < 0x80 ? 1 : first >= 0xf0 && first < 0xf5 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
    const rest = bytes.slice(i + 1, i + length);
    if (length === 0 || first > 0xf4 || rest.length !== length - 1 || rest.some((b) => (b & 0xc0) !== 0x80)) {
      text += String.fromCharCode(0xdc00 + first);
      i += 1;
      continue;
    }
    let point = length === 1 ? first : first & (0xff >> (length + 1));
    for (const b of rest) point = (point << 6) | (b & 0x3f);
    text += String.fromCodePoint(Math.min(point, 0x10ffff));
    i += length;
  }
  return text;
}

const ESCAPED: Readonly<Record<string, string>> = {
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\\": "\\\\",
  '"': '\\"',
};

/** Writes text as a double-quoted literal. */
export function quote(text: string): string {
  let body = "";
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    const escaped = ESCAPED[char];
    if (escaped !== undefined) body += escaped;
    else if (code >= 0xdc80 && code <= 0xdcff) body += `\\x${(code - 0xdc00).toString(16)}`;
    else if (code < 32 || code === 127) body += `\\x${code.toString(16).padStart(2, "0")}`;
    else body += char;
  }
  return `"${body}"`;
}

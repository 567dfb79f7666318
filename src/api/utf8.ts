/** Encodes a text as UTF-8. The platform's encoders are not for pure rooms. Lone surrogates become U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  const octets: number[] = [];
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    pushPoint(octets, point >= 0xd800 && point <= 0xdfff ? 0xfffd : point);
  }
  return Uint8Array.from(octets);
}

function pushPoint(octets: number[], point: number): void {
  if (point < 0x80) octets.push(point);
  else if (point < 0x800) octets.push(0xc0 | (point >> 6), continuation(point, 0));
  else if (point < 0x10000) octets.push(0xe0 | (point >> 12), continuation(point, 6), continuation(point, 0));
  else octets.push(0xf0 | (point >> 18), continuation(point, 12), continuation(point, 6), continuation(point, 0));
}

function continuation(point: number, shift: number): number {
  return 0x80 | ((point >> shift) & 63);
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** Writes the UTF-8 bytes of a text in base64, padded. Source: RFC 4648, section 4. */
export function base64Of(text: string): string {
  const octets = encodeUtf8(text);
  let result = "";
  for (let i = 0; i < octets.length; i += 3) {
    const bits = ((octets[i] ?? 0) << 16) | ((octets[i + 1] ?? 0) << 8) | (octets[i + 2] ?? 0);
    const digits = [18, 12, 6, 0].map((shift) => ALPHABET[(bits >> shift) & 63]).join("");
    result += digits.slice(0, Math.min(4, octets.length - i + 1)).padEnd(4, "=");
  }
  return result;
}

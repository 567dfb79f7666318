/**
 * Splits a JSON pointer into its unescaped tokens; undefined when the text is not one. The empty text is the whole document.
 *
 * Source: RFC 6901.
 */
export function parsePointer(text: string): readonly string[] | undefined {
  if (text === "") return [];
  if (!text.startsWith("/") || /~(?![01])/.test(text)) return undefined;
  return text
    .slice(1)
    .split("/")
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

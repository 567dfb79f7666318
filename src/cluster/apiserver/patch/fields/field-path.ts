import { isObject } from "#base";

/**
 * Writes a path as conflicts show it: `.spec.template.spec.containers[name="web"].image`.
 *
 * Source: structured-merge-diff `fieldpath.Path.String`.
 */
export function formatPath(elements: readonly string[]): string {
  return elements.map(formatElement).join("");
}

function formatElement(element: string): string {
  const text = element.slice(2);
  switch (element.slice(0, 2)) {
    case "f:":
      return `.${text}`;
    case "k:":
      return formatKeys(JSON.parse(text));
    case "v:":
      return `[=${JSON.stringify(JSON.parse(text))}]`;
    default:
      return `[${text}]`;
  }
}

function formatKeys(keys: unknown): string {
  if (!isObject(keys)) return "[]";
  const pairs = Object.entries(keys).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  return `[${pairs.join(",")}]`;
}

/**
 * The titles of a test file, read from its text: what stands first in `test(…)`, `it(…)`, `describe(…)` and after
 * `test.each(…)`. A title with places to fill in stands for each of its cases.
 */

const TITLE = /(?:\b(?:test|it|describe)(?:\.\w+)?\(|\)\()\s*("(?:[^"\\\n]|\\.)*"|`[^`]*`)/g;
/** What a runner fills in: printf verbs, names of fields, and expressions of template literals. */
const PLACE = /%[sdifjo#]|\$\{[^}]*\}|\$[a-z]\w*/gi;

export function titlesOf(text: string): string[] {
  return [...text.matchAll(TITLE)].map(([, literal = ""]) => valueOf(literal));
}

function valueOf(literal: string): string {
  const value: unknown = literal.startsWith("`") ? literal.slice(1, -1) : JSON.parse(literal);
  return typeof value === "string" ? value : "";
}

/**
 * Whether a reference names a test of a file: a part of a title, or a whole title with its places filled in by texts that
 * the file, or the cases that it reads, have.
 */
export function namesTest(reference: string, file: { readonly text: string; readonly cases: string }): boolean {
  return titlesOf(file.text).some((title) => title.includes(reference) || isCaseOf(title, reference, file));
}

function isCaseOf(title: string, reference: string, file: { readonly text: string; readonly cases: string }): boolean {
  const parts = title.split(PLACE);
  if (parts.length === 1) return false;
  const filled = new RegExp(`^${parts.map(escaped).join("(.*)")}$`, "s").exec(reference);
  if (filled === null) return false;
  const texts = filled.slice(1).filter((text) => text !== "");
  return texts.length > 0 && texts.every((text) => file.text.includes(text) || file.cases.includes(text));
}

function escaped(part: string): string {
  return part.replaceAll("%%", "%").replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
}

import { dirname, join, normalize } from "node:path";
import type { Source } from "../tidy/sources.ts";

/**
 * The stable codes of failures and problems, as the sources and as docs/errors.md have them. Codes are read from the text:
 * each is a string literal in what is given to a `code`, or in a type whose name ends in `Code`.
 */

/** What follows `code:` or `code =`, up to the end of the expression, which may be a choice over several lines. */
const DEFINITION = /\bcode\s*(?::|=(?![=>]))\s*((?:[^;,})\n]|\n\s*[?:]){0,200})/g;
const CODE_TYPE = /\btype \w*Code =([^;]*);/g;
/** A text, but not the name of a field as in `fault["code"]` or `"code" in cause`. */
const LITERAL = /(?<!\[)"([^"\s]+)"(?! in\b)/g;

/** Codes that get a prefix on their way out of their room, by the file that defines them. */
const PREFIXES: Readonly<Record<string, string>> = { "src/promql/evaluation.ts": "promql-" };

/** Passes on the reasons of the Kubernetes API, which are Kubernetes' to document. */
const KUBERNETES_REASONS = "src/cluster/apiserver/status/status-error.ts";

/** Codes that the entries can meet: a file that only tests import does not count. */
export function codesOfSources(sources: readonly Source[], entries: (path: string) => boolean): Set<string> {
  const codes = new Set<string>();
  for (const source of reachable(sources, entries)) {
    if (source.path === KUBERNETES_REASONS) continue;
    for (const code of codesOf(source)) codes.add(code);
  }
  return codes;
}

/** The codes that have a section: headings of the third level that are one piece of code. */
export function codesOfDocument(markdown: string): string[] {
  return [...markdown.matchAll(/^### `([^`]+)`$/gm)].map(([, code = ""]) => code);
}

function codesOf(source: Source): string[] {
  const text = withoutComments(source.lines.join("\n"));
  const definitions = [...text.matchAll(DEFINITION), ...text.matchAll(CODE_TYPE)];
  const prefix = PREFIXES[source.path] ?? "";
  return definitions.flatMap(([, expression = ""]) =>
    [...expression.matchAll(LITERAL)].map(([, code = ""]) => prefix + code),
  );
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
}

function reachable(sources: readonly Source[], entries: (path: string) => boolean): Source[] {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const found = new Set<string>();
  const open = [...byPath.keys()].filter(entries);
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (found.has(path)) continue;
    found.add(path);
    open.push(...targetsOf(byPath.get(path)));
  }
  return sources.filter(({ path }) => found.has(path));
}

function targetsOf(source: Source | undefined): string[] {
  return (source?.imports ?? []).flatMap((target) => {
    if (target.startsWith("#")) return [`src/${target.slice(1)}/index.ts`];
    return source !== undefined && target.startsWith(".") ? [normalize(join(dirname(source.path), target))] : [];
  });
}

import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** One TypeScript file of the project, as tidy looks at it. */
export interface Source {
  /** Path from the repository's root, with forward slashes. */
  readonly path: string;
  readonly lines: readonly string[];
  /** The text with comments and string contents blanked out, for bans on code. */
  readonly code: string;
  readonly imports: readonly string[];
  readonly isTest: boolean;
}

/** Reads every .ts file below the given folders. */
export function readSources(folders: readonly string[]): Source[] {
  return folders
    .flatMap(filesBelow)
    .filter((path) => path.endsWith(".ts"))
    .map((path) => parseSource(path, readFileSync(path, "utf8")));
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder)
    .sort()
    .flatMap((name) => {
      const path = join(folder, name);
      return statSync(path).isDirectory() ? filesBelow(path) : [path];
    });
}

/** Takes the text of one file apart. */
export function parseSource(path: string, text: string): Source {
  const imports = [
    ...text.matchAll(
      /(?:^|\n)\s*(?:import|export)\b[^;"]*?from\s*"([^"]+)"|\bimport\(\s*"([^"]+)"\s*\)|(?:^|\n)import\s+"([^"]+)"/g,
    ),
  ];
  return {
    path,
    lines: text.split("\n"),
    code: blankOut(text),
    imports: imports.map((match) => match[1] ?? match[2] ?? match[3] ?? ""),
    isTest: path.endsWith(".test.ts") || path.startsWith("test/"),
  };
}

/** Replaces comments and the contents of plain strings by spaces, keeping line numbers. */
function blankOut(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/g, (match) =>
    match.replace(/[^\n]/g, " "),
  );
}

import { readdirSync, readFileSync, type Stats, statSync } from "node:fs";
import { join } from "node:path";
import { type Document, LineCounter, parseAllDocuments } from "yaml";
import type { KubeObject } from "#api";
import { Failure, isObject, messageOf } from "#base";

/** Largest manifest that is read, in bytes; the API server's own limit for one object is 3 MiB. */
const FILE_BYTES_MAX = 16 * 1024 * 1024;
/** A few lines of aliases of aliases can stand for gigabytes. */
const ALIAS_COUNT_MAX = 100;

/**
 * Reads every object of the `.yaml`, `.yml` and `.json` files of a folder, in the order of the file names.
 *
 * @throws Failure `BadManifest` with file, line, column and what is wrong.
 */
export function readManifests(folder: string): KubeObject[] {
  const names = readdirSync(folder)
    .filter((name) => /\.(ya?ml|json)$/.test(name))
    .sort();
  return names.flatMap((name) => readManifest(join(folder, name)));
}

/** Reads every object of one file. */
export function readManifest(path: string): KubeObject[] {
  const { size } = statedFile(path);
  if (size > FILE_BYTES_MAX) throw bad(path, `is larger than ${FILE_BYTES_MAX} bytes; split it`);
  return parseManifest(readFileSync(path, "utf8"), path);
}

function statedFile(path: string): Stats {
  const stats = statSync(path);
  if (stats.isDirectory()) throw bad(path, "it is a folder; name one of its files");
  return stats;
}

/** Parses the documents of a YAML or JSON text; `name` stands for it in messages. */
export function parseManifest(text: string, name: string): KubeObject[] {
  const lines = new LineCounter();
  const objects: KubeObject[] = [];
  for (const document of parseAllDocuments(text, { lineCounter: lines, uniqueKeys: true })) {
    const [error] = document.errors;
    if (error !== undefined) throw bad(name, describeYamlError(text, error.message, lines.linePos(error.pos[0])));
    const { line } = lines.linePos(document.range?.[0] ?? 0);
    const value = valueOf(document, `${name}:${line}`);
    if (value === null || value === undefined) continue;
    objects.push(...objectsOf(value, `${name}:${line}`));
  }
  return objects;
}

function valueOf(document: Document.Parsed, where: string): unknown {
  try {
    return document.toJS({ maxAliasCount: ALIAS_COUNT_MAX });
  } catch (cause) {
    // The only thing that is left to go wrong: aliases that multiply, or that name no anchor.
    throw bad(where, `its aliases cannot be resolved: ${messageOf(cause)}`);
  }
}

function describeYamlError(text: string, message: string, at: { line: number; col: number }): string {
  const [sentence = message] = message.split("\n");
  const hasTab = /^\s*\t/.test(text.split("\n")[at.line - 1] ?? "");
  const advice = hasTab ? "; YAML is indented with spaces, replace the tab" : "";
  return `line ${at.line}, column ${at.col}: ${sentence.replace(/ at line \d+, column \d+:?$/, "")}${advice}`;
}

function objectsOf(value: unknown, where: string): KubeObject[] {
  if (!isObject(value) || typeof value.apiVersion !== "string" || typeof value.kind !== "string") {
    throw bad(where, 'is not a Kubernetes object: it needs "apiVersion" and "kind"');
  }
  if (value.kind === "List" && Array.isArray(value.items)) return value.items.flatMap((item) => objectsOf(item, where));
  if (!isObject(value.metadata) || typeof value.metadata.name !== "string") {
    throw bad(where, `${value.kind}: metadata.name is missing; give the object a name`);
  }
  return [value as KubeObject];
}

function bad(where: string, what: string): Failure {
  return new Failure(`Cannot read the manifest ${where}: ${what}`, { code: "BadManifest" });
}

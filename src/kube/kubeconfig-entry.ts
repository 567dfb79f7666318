import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import { Failure, isObject } from "#base";

/** The lists of named entries that a kubeconfig consists of, and how each entry calls its content. */
const LISTS = { clusters: "cluster", contexts: "context", users: "user" } as const;
const MAX_FILE_BYTES = 4 * 1024 * 1024;

export type KubeconfigList = keyof typeof LISTS;

/** A named entry of a file, with what messages need to point at it. */
export interface KubeconfigEntry {
  readonly fields: Record<string, unknown>;
  /** How messages call it: `users[alice].user`. */
  readonly path: string;
  /** The kubeconfig that it is in, which relative file names are relative to. */
  readonly file: string;
}

/** What some kubeconfig files say together. */
export interface Kubeconfig {
  readonly files: readonly string[];
  readonly currentContext: string | undefined;
  /** @throws Failure `KubeconfigInvalid` that lists the names there are. */
  find(list: KubeconfigList, name: string): KubeconfigEntry;
}

interface ParsedFile {
  readonly file: string;
  readonly root: Record<string, unknown>;
}

/**
 * Reads kubeconfig files and joins them: the first that has a name, or a current context, wins, and an entry is taken whole.
 *
 * A file of a list that does not exist is skipped, a file given alone must be there. Source: Kubernetes, "Organizing
 * Cluster Access Using kubeconfig Files", merging rules.
 */
export async function readKubeconfig(paths: string | readonly string[]): Promise<Kubeconfig> {
  const parsed: ParsedFile[] = [];
  if (typeof paths === "string") parsed.push({ file: paths, root: rootOf(paths, await readWhole(paths)) });
  else {
    for (const file of paths) {
      const text = await readIfThere(file);
      if (text !== undefined) parsed.push({ file, root: rootOf(file, text) });
    }
    if (parsed.length === 0) throw unreadable(paths.join('", "'), undefined);
  }
  const files = parsed.map(({ file }) => file);
  const contexts = parsed.map(({ file, root }) => [file, root["current-context"]] as const);
  const [from = "", current] = contexts.find(([, name]) => name !== undefined && name !== null && name !== "") ?? [];
  if (current !== undefined && typeof current !== "string")
    throw invalidKubeconfig(from, "current-context must be a string");
  return { files, currentContext: current, find: (list, name) => findEntry(parsed, list, name) };
}

function findEntry(parsed: readonly ParsedFile[], list: KubeconfigList, name: string): KubeconfigEntry {
  const known: string[] = [];
  for (const { file, root } of parsed) {
    const entries = root[list];
    for (const entry of Array.isArray(entries) ? entries.filter(isObject) : []) {
      if (entry.name !== name) {
        known.push(`"${String(entry.name)}"`);
        continue;
      }
      const fields = entry[LISTS[list]];
      const path = `${list}[${name}].${LISTS[list]}`;
      if (!isObject(fields)) throw invalidKubeconfig(file, `${path} must be a map`);
      return { fields, path, file };
    }
  }
  const files = parsed.map(({ file }) => file).join('", "');
  throw invalidKubeconfig(files, `${list} has no entry "${name}" (it has ${known.join(", ") || "none"})`);
}

async function readWhole(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    throw unreadable(file, cause);
  }
}

function rootOf(file: string, text: string): Record<string, unknown> {
  if (text.length > MAX_FILE_BYTES) throw invalidKubeconfig(file, `it is larger than ${MAX_FILE_BYTES} bytes`);
  let root: unknown;
  try {
    root = parse(text);
  } catch {
    // The parser's own message quotes the line, and the line may hold a token.
    throw new Failure(`Cannot parse the kubeconfig "${file}" as YAML`, { code: "KubeconfigInvalid" });
  }
  if (!isObject(root)) throw invalidKubeconfig(file, "expected a map with clusters, users and contexts");
  return root;
}

function unreadable(file: string, cause: unknown): Failure {
  const what = `Cannot read the kubeconfig "${file}"`;
  return cause === undefined
    ? new Failure(`${what}: no such file`, { code: "KubeconfigInvalid" })
    : new Failure(what, { code: "KubeconfigInvalid", cause });
}

/** Reads `NAME-data` (base64), or the file that `NAME` names. */
export async function readPem(
  entry: KubeconfigEntry,
  name: string,
): Promise<{ readonly pem: string; readonly path?: string } | undefined> {
  const inline = optionalString(entry, `${name}-data`);
  if (inline !== undefined) return { pem: Buffer.from(inline, "base64").toString("utf8") };
  const path = optionalString(entry, name);
  if (path === undefined) return undefined;
  const absolute = resolve(dirname(entry.file), path);
  try {
    return { pem: await readFile(absolute, "utf8"), path: absolute };
  } catch (cause) {
    throw new Failure(`Cannot read "${absolute}", named by ${entry.path}.${name} in "${entry.file}"`, {
      code: "KubeconfigInvalid",
      cause,
    });
  }
}

/** A field that must be there. */
export function requireString(entry: KubeconfigEntry, field: string): string {
  const value = optionalString(entry, field);
  if (value === undefined) throw invalidKubeconfig(entry.file, `${entry.path}.${field} is required`);
  return value;
}

/** A field that may be absent; empty counts as absent. */
export function optionalString(entry: KubeconfigEntry, field: string): string | undefined {
  const value = entry.fields[field];
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value !== "string") throw invalidKubeconfig(entry.file, `${entry.path}.${field} must be a string`);
  return value;
}

/** The failure to throw for a kubeconfig that says something wrong; `what` must not quote secrets. */
export function invalidKubeconfig(file: string, what: string): Failure {
  return new Failure(`Cannot use the kubeconfig "${file}": ${what}`, { code: "KubeconfigInvalid" });
}

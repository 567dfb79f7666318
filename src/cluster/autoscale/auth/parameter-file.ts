import { readFile, realpath, stat } from "node:fs/promises";
import { isAbsolute, join, normalize, sep } from "node:path";
import { Failure, isObject, messageOf } from "#base";

const MAX_FILE_BYTES = 1024 * 1024;

/**
 * Reads a file of parameters: one JSON object of texts. The path is relative to `root` and stays below it, links included.
 *
 * @throws Failure `TriggerSourcesUnresolved`; it never quotes the content.
 */
export async function readParameterFile(root: string, path: string): Promise<Readonly<Record<string, string>>> {
  if (isAbsolute(path) || path.split(/[/\\]/).includes(".."))
    throw unreadable(path, 'it must be a relative path without ".."');
  let text: string;
  try {
    const base = await realpath(root);
    const file = await realpath(join(base, normalize(path)));
    if (!file.startsWith(base.endsWith(sep) ? base : base + sep)) throw new Error("it leads out of the root directory");
    const { size } = await stat(file);
    if (size > MAX_FILE_BYTES) throw new Error(`it is larger than ${MAX_FILE_BYTES} bytes`);
    text = await readFile(file, "utf8");
  } catch (thrown) {
    throw unreadable(path, messageOf(thrown));
  }
  const parameters = parametersIn(text);
  if (parameters === undefined) throw unreadable(path, "it must hold one JSON object whose values are texts");
  return parameters;
}

function parametersIn(text: string): Readonly<Record<string, string>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!isObject(value)) return undefined;
    const texts = Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string");
    return texts.length === Object.keys(value).length ? Object.fromEntries(texts) : undefined;
  } catch {
    return undefined;
  }
}

function unreadable(path: string, why: string): Failure {
  return new Failure(`Cannot read filePath "${path}" of the authentication: ${why}`, {
    code: "TriggerSourcesUnresolved",
  });
}

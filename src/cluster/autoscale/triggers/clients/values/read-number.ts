import { parse } from "yaml";
import { err, isObject, ok, parseQuantity, type Result } from "#base";
import { labelEntries, type Labels } from "#promql";
import { type ExpositionFormat, parseExposition, parseSeries } from "../../../../metrics/index.ts";
import { parseGjsonPath, valueAt } from "./gjson-path.ts";

/** How a value is written down. */
export type ValueFormat = "json" | "yaml" | "xml" | "prometheus";

/** Reads a number out of a text. The error says what stands there instead; it never quotes a whole text. */
export type NumberReader = (text: string, contentType?: string) => Result<number, string>;

/**
 * Nothing else runs while a text is parsed. What these parsers take for the worst text of that length that we could think
 * of is half a second on a slow core; it grows with the square of the length for YAML.
 */
const MAX_LENGTHS = { yaml: 64 * 1024, xml: 256 * 1024 };

/** A longer text would have to be cut, and a secret in it with it. */
const MAX_QUOTED_LENGTH = 80;

/** Prepares to read what stands at a location; the error says why nothing can. Source: keda-hpa-spec 15.9. */
export async function numberReader(format: ValueFormat, location: string): Promise<Result<NumberReader, string>> {
  if (format === "prometheus") {
    const wanted = parseSeries(location);
    return wanted.ok ? ok((text, type) => sampleIn(text, { wanted: wanted.value, location, type })) : wanted;
  }
  if (format === "json") {
    const path = parseGjsonPath(location);
    if (!path.ok) return path;
    return ok((text) => numberIn(() => valueAt(JSON.parse(text), path.value), { format, location }));
  }
  const read = format === "yaml" ? parseYaml : await xmlParser();
  const maxLength = MAX_LENGTHS[format];
  return ok((text) => {
    if (text.length > maxLength) return err(`the ${format} is longer than ${maxLength} characters`);
    return numberIn(() => valueAtKeys(read(text), location.split(".")), { format, location });
  });
}

function numberIn(find: () => unknown, { format, location }: Place): Result<number, string> {
  let found: unknown;
  try {
    found = find();
  } catch {
    // What the parsers say quotes pieces of the text, which may hold a piece of a secret that nobody would find to hide it.
    return err(`it cannot be read as ${format}`);
  }
  return numberOf(found, location);
}

interface Place {
  readonly format: ValueFormat;
  readonly location: string;
}

/** A number, or a text that is a quantity. */
function numberOf(found: unknown, location: string): Result<number, string> {
  if (typeof found === "number") return ok(found);
  const quantity = typeof found === "string" ? parseQuantity(found.trim()) : undefined;
  if (quantity?.ok === true) return quantity;
  const what = typeof found === "string" && found.length <= MAX_QUOTED_LENGTH ? `the text "${found}"` : nameOf(found);
  return err(`valueLocation "${location}" must lead to a number or a quantity such as "1k", there is ${what}`);
}

function nameOf(found: unknown): string {
  if (typeof found === "string") return `a text of ${found.length} characters`;
  if (found === undefined) return "nothing";
  if (found === null) return "null";
  if (Array.isArray(found)) return "a list";
  return typeof found === "boolean" ? String(found) : "an object";
}

/** Follows keys through objects, and positions through lists. */
function valueAtKeys(value: unknown, keys: readonly string[]): unknown {
  let current = value;
  for (const key of keys) {
    if (Array.isArray(current)) current = /^\d{1,9}$/.test(key) ? (current as unknown[])[Number(key)] : undefined;
    else current = isObject(current) && Object.hasOwn(current, key) ? current[key] : undefined;
  }
  return current;
}

/**
 * The library's own bound on aliases holds. It would print its warnings, and take time in the square of the number of keys
 * to see whether one comes twice, and of the number of errors to say where they are.
 */
function parseYaml(text: string): unknown {
  return parse(text, { logLevel: "error", uniqueKeys: false, prettyErrors: false });
}

/**
 * Loaded on first use. An element becomes an object of its elements and, with an `@` before the name, its attributes;
 * entities are not resolved.
 */
async function xmlParser(): Promise<(text: string) => unknown> {
  const { XMLParser } = await import("fast-xml-parser");
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: "@",
    parseTagValue: false,
    parseAttributeValue: false,
    processEntities: false,
  });
  return (text) => parser.parse(text, true);
}

/** The first sample of that name that has all of the labels, and maybe others. */
function sampleIn(
  text: string,
  { wanted, location, type = "" }: { wanted: Labels; location: string; type?: string | undefined },
): Result<number, string> {
  const format: ExpositionFormat = type.startsWith("application/openmetrics-text") ? "openmetrics" : "prometheus";
  const parsed = parseExposition(text, format);
  if (!parsed.ok) return err(`it cannot be read as prometheus: ${parsed.error}`);
  const pairs = labelEntries(wanted);
  for (const sample of parsed.value.samples) {
    const labels = parseSeries(sample.text);
    if (!labels.ok) continue;
    const have = new Map(labelEntries(labels.value));
    if (pairs.every(([name, value]) => have.get(name) === value)) return ok(sample.value);
  }
  return err(`there is no sample ${location}`);
}

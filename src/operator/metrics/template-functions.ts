import { printf } from "./template-printf.ts";
import { isTrue, kindOf, type TemplateValue, textOf } from "./template-values.ts";

/** A function of the template language. It throws an Error that says what is wrong; the caller adds the place. */
export type TemplateFunction = (args: readonly TemplateValue[]) => TemplateValue;

/** Functions that look at an argument only when the ones before do not decide. */
export const lazyFunctions: ReadonlySet<string> = new Set(["and", "or"]);

/** The functions of every template, as in Go; `call` and `js` have nothing to work on here. Source: text/template, "Functions". */
export const builtinFunctions: ReadonlyMap<string, TemplateFunction> = new Map<string, TemplateFunction>([
  ["printf", ([format, ...values]) => printf(textArgument(format, "printf"), values)],
  ["print", print],
  ["println", (args) => `${args.map(textOf).join(" ")}\n`],
  ["not", (args) => !isTrue(exactly(1, args, "not")[0])],
  ["len", ([value, ...rest]) => length(value, rest.length)],
  ["index", index],
  ["slice", slice],
  ["eq", ([first, ...others]) => atLeastOne(others, "eq").some((other) => isEqual(first, other))],
  ["ne", (args) => !isEqual(...pair(args, "ne"))],
  ["lt", (args) => order(...pair(args, "lt")) < 0],
  ["le", (args) => order(...pair(args, "le")) <= 0],
  ["gt", (args) => order(...pair(args, "gt")) > 0],
  ["ge", (args) => order(...pair(args, "ge")) >= 0],
  [
    "urlquery",
    (args) =>
      encodeURIComponent(print(args))
        .replaceAll("%20", "+")
        .replace(/[!'()*]/g, percent),
  ],
  ["html", (args) => print(args).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)],
]);

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}

/** As Go's `print`: a blank between two operands of which neither is a text. */
function print(args: readonly TemplateValue[]): string {
  let text = "";
  for (const [i, value] of args.entries()) {
    if (i > 0 && typeof value !== "string" && typeof args[i - 1] !== "string") text += " ";
    text += textOf(value);
  }
  return text;
}

function length(value: TemplateValue, restCount: number): bigint {
  if (restCount > 0) throw new Error(`"len" takes 1 argument, received ${restCount + 1}`);
  if (typeof value === "string") return BigInt(Buffer.byteLength(value));
  if (typeof value === "object") return BigInt(Object.keys(value).length);
  throw new Error(`"len" works on texts and maps, received a ${kindOf(value)}`);
}

/**
 * A key of a map, or a byte of a text. A key that a map does not have gives the empty text, as in Go: this is how a template
 * asks for a variable that may be missing.
 */
function index([value, ...keys]: readonly TemplateValue[]): TemplateValue {
  let item = value;
  for (const key of keys) {
    if (typeof item === "object") {
      const name = textArgument(key, "index");
      item = Object.hasOwn(item, name) ? item[name] : "";
    } else if (typeof item === "string") {
      const byte = typeof key === "bigint" ? Buffer.from(item)[Number(key)] : undefined;
      if (byte === undefined) throw new Error(`"index": the text has no position ${textOf(key)}`);
      item = BigInt(byte);
    } else throw new Error(`"index" works on maps and texts, received a ${kindOf(item)}`);
  }
  return item;
}

function slice([value, ...bounds]: readonly TemplateValue[]): string {
  const bytes = Buffer.from(textArgument(value, "slice"));
  const [from = 0, to = bytes.length] = bounds.map((bound) => (typeof bound === "bigint" ? Number(bound) : -1));
  if (bounds.length > 2 || from < 0 || to < from || to > bytes.length)
    throw new Error(`"slice" takes a text and two positions in it, received ${bounds.map(textOf).join(" ")}`);
  return bytes.subarray(from, to).toString("utf8");
}

function isEqual(a: TemplateValue, b: TemplateValue): boolean {
  if (a === undefined || b === undefined) return a === b;
  comparable(a, b);
  return a === b;
}

function order(a: TemplateValue, b: TemplateValue): number {
  comparable(a, b);
  if (a === undefined || b === undefined || typeof a === "boolean")
    throw new Error(`a ${kindOf(a)} has no order; compare texts or numbers`);
  return a < b ? -1 : a > b ? 1 : 0;
}

function comparable(a: TemplateValue, b: TemplateValue): void {
  const [left, right] = [kindOf(a), kindOf(b)];
  if (left === "map" || right === "map") throw new Error("maps cannot be compared; compare one of their keys");
  if (left !== right) throw new Error(`a ${left} cannot be compared with a ${right}`);
}

function textArgument(value: TemplateValue, name: string): string {
  if (typeof value === "string") return value;
  throw new Error(`"${name}" needs a text, received a ${kindOf(value)}`);
}

function pair(args: readonly TemplateValue[], name: string): [TemplateValue, TemplateValue] {
  exactly(2, args, name);
  return [args[0], args[1]];
}

function exactly<T>(count: number, args: readonly T[], name: string): readonly T[] {
  if (args.length === count) return args;
  throw new Error(`"${name}" takes ${count} argument${count === 1 ? "" : "s"}, received ${args.length}`);
}

function atLeastOne<T>(others: readonly T[], name: string): readonly T[] {
  if (others.length > 0) return others;
  throw new Error(`"${name}" needs at least 2 arguments`);
}

import { exponentOf, formatFloatG, kindOf, type TemplateValue, textOf } from "./template-values.ts";

const VERB = /%(?<flags>[-+# 0]*)(?<width>\d*)(?:\.(?<precision>\d*))?(?<verb>[\s\S]|$)/gu;
/** Wider than any query. */
const MAX_WIDTH = 1000;

interface Spec {
  readonly flags: string;
  readonly width: number;
  readonly precision: number | undefined;
  readonly verb: string;
}

/**
 * Go's `printf`. Where Go writes a complaint into the text (`%!d(string=x)`), this refuses: no query works with it.
 *
 * @throws Error saying what is wrong; the caller adds the place.
 * Source: Go package fmt.
 */
export function printf(format: string, values: readonly TemplateValue[]): string {
  let used = 0;
  const text = format.replace(VERB, (all: string, ...rest: unknown[]) => {
    const spec = specOf(rest.at(-1) as Readonly<Record<string, string | undefined>>, all);
    if (spec.verb === "%") return "%";
    if (used >= values.length) throw new Error(`printf has no value for "${all}"`);
    return padded(formatOne(spec, values[used++]), spec);
  });
  if (used < values.length) throw new Error(`printf has ${values.length} values, its format takes ${used}`);
  return text;
}

function specOf(groups: Readonly<Record<string, string | undefined>>, all: string): Spec {
  const { flags = "", width = "", precision, verb = "" } = groups;
  if (verb === "") throw new Error(`printf: "${all}" has no verb; write %% for a percent sign`);
  const numbers = [Number(width), Number(precision ?? 0)];
  if (numbers.some((number) => number > MAX_WIDTH)) throw new Error(`printf: "${all}" is wider than ${MAX_WIDTH}`);
  return { flags, width: Number(width), precision: precision === undefined ? undefined : Number(precision), verb };
}

function formatOne(spec: Spec, value: TemplateValue): string {
  const { verb } = spec;
  if (verb === "v" && typeof value !== "number" && typeof value !== "bigint") return cut(textOf(value), spec);
  if (typeof value === "string") {
    if (verb === "s") return cut(value, spec);
    if (verb === "q")
      return spec.flags.includes("#") && !value.includes("`") ? `\`${value}\`` : quoted(cut(value, spec));
    if (verb === "x" || verb === "X") return cased(Buffer.from(value).toString("hex"), verb);
  }
  if (typeof value === "bigint" && "vdxXobcqU".includes(verb)) return formatWhole(spec, value);
  if (typeof value === "number" && "vfFeEgG".includes(verb)) return signed(formatFloat(spec, value), spec);
  if (typeof value === "boolean" && verb === "t") return String(value);
  const taken = "%s, %q and %v take texts, %d and %x whole numbers, %f, %g and %e floats, %t booleans";
  throw new Error(`printf: "%${verb}" cannot write a ${kindOf(value)}; ${taken}`);
}

function formatWhole(spec: Spec, value: bigint): string {
  const { verb, flags } = spec;
  if (verb === "c" || verb === "q" || verb === "U") {
    const code = value >= 0n && value <= 0x10_ff_ffn ? Number(value) : 0xff_fd;
    if (verb === "U") return `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
    return verb === "c" ? String.fromCodePoint(code) : `'${String.fromCodePoint(code)}'`;
  }
  const base = verb === "x" || verb === "X" ? 16 : verb === "o" ? 8 : verb === "b" ? 2 : 10;
  const prefix = flags.includes("#") ? ({ x: "0x", X: "0X", o: "0", b: "0b" }[verb] ?? "") : "";
  const size = (value < 0n ? -value : value).toString(base).padStart(spec.precision ?? 1, "0");
  return signed(`${value < 0n ? "-" : ""}${prefix}${cased(size, verb)}`, spec);
}

function formatFloat({ verb, precision }: Spec, value: number): string {
  if (!Number.isFinite(value) || "vgG".includes(verb)) return cased(formatFloatG(value, precision), verb);
  const digits = Math.min(100, precision ?? 6);
  if (verb === "f" || verb === "F") return Math.abs(value) < 1e21 ? value.toFixed(digits) : BigInt(value).toString();
  const [mantissa = "", exponent = "0"] = value.toExponential(digits).split("e");
  return cased(`${mantissa}e${exponentOf(Number(exponent))}`, verb);
}

function signed(text: string, { flags }: Spec): string {
  if (/^[+-]/.test(text)) return text;
  return flags.includes("+") ? `+${text}` : flags.includes(" ") ? ` ${text}` : text;
}

/** A precision on a text is the most characters of it. */
function cut(text: string, { precision }: Spec): string {
  return precision === undefined ? text : Array.from(text).slice(0, precision).join("");
}

function cased(text: string, verb: string): string {
  return verb === "X" || verb === "E" || verb === "G" ? text.toUpperCase() : text;
}

function padded(text: string, { flags, width, verb }: Spec): string {
  const missing = width - Array.from(text).length;
  if (missing <= 0) return text;
  if (flags.includes("-")) return text + " ".repeat(missing);
  if (!flags.includes("0") || "sqvtcU".includes(verb)) return " ".repeat(missing) + text;
  const sign = /^[+-]/.exec(text)?.[0] ?? "";
  return sign + "0".repeat(missing) + text.slice(sign.length);
}

/** Go's quoting agrees with JSON's but for control characters. */
function quoted(text: string): string {
  return JSON.stringify(text).replace(/\\u00([01][0-9a-f])/g, (_, hex: string) => `\\x${hex}`);
}

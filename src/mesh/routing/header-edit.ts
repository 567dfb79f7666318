import type { HeaderOperations } from "#api";
import { type Report, UnusableObject } from "./finding.ts";

/** One change of a message's headers; names are in lower case. */
export type HeaderEdit =
  | { readonly kind: "remove"; readonly name: string }
  | { readonly kind: "set" | "add"; readonly name: string; readonly value: string };

const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** Names that the proxy writes itself; changing them by a route would corrupt the framing of messages. */
const FRAMING = new Set([
  "connection",
  "content-length",
  "transfer-encoding",
  "upgrade",
  "te",
  "trailer",
  "keep-alive",
]);

/**
 * Compiles header operations in the order of their effect: removals before additions and replacements.
 *
 * `host` and `:authority` are left out: on requests they are an authority rewrite ({@link authorityFrom}).
 * @throws UnusableObject for a name or value that no header can have, or a header that frames messages.
 */
export function compileHeaderEdits(operations: HeaderOperations | undefined, report: Report): readonly HeaderEdit[] {
  if (operations === undefined) return [];
  const edits: HeaderEdit[] = [];
  for (const name of operations.remove ?? []) edits.push({ kind: "remove", name: checkName(name) });
  for (const kind of ["set", "add"] as const) {
    for (const [name, value] of Object.entries(operations[kind] ?? {})) {
      if (isAuthority(name)) continue;
      edits.push({ kind, name: checkName(name), value: literalValue(name, value, report) });
    }
  }
  return edits;
}

/** The authority that request operations write, if they write one; `set` goes before `add`. Source: istio-spec 1.6. */
export function authorityFrom(operations: HeaderOperations | undefined): string | undefined {
  for (const map of [operations?.set, operations?.add]) {
    for (const [name, value] of Object.entries(map ?? {})) if (isAuthority(name)) return value;
  }
  return undefined;
}

function isAuthority(name: string): boolean {
  const lower = name.toLowerCase();
  return lower === "host" || lower === ":authority";
}

function checkName(name: string): string {
  const lower = name.toLowerCase();
  if (!NAME.test(name)) throw new UnusableObject(`headers: "${name}" is no header name`);
  if (lower === "host" || FRAMING.has(lower))
    throw new UnusableObject(`headers: "${name}" cannot be changed by a route; remove the operation`);
  return lower;
}

/** Undoes the doubling of `%`; formatters such as `%REQ(x)%` are not executed and reported. */
function literalValue(name: string, value: string, report: Report): string {
  if (!VALUE.test(value)) throw new UnusableObject(`headers: the value of "${name}" has characters no header can have`);
  const literal = value.replaceAll("%%", "\0");
  if (literal.includes("%"))
    report("unsupported", `headers: the formatter in "${name}: ${value}" is sent as text; formatters are not executed`);
  return literal.replaceAll("\0", "%");
}

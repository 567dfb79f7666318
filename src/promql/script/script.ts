import { unquote } from "../quoting.ts";
import { parseScriptNumber, parseSeriesLine, type SeriesLine } from "./series-line.ts";

/** What a query must do besides yielding its series. */
export interface Expectations {
  isOrdered: boolean;
  fails: boolean;
  warns: boolean | undefined;
  informs: boolean | undefined;
  string: string | undefined;
  /** Texts that a message must equal (`msg`) or match (`regex`). */
  readonly messages: {
    readonly about: "fail" | "warn" | "info";
    readonly kind: "msg" | "regex";
    readonly text: string;
  }[];
}

interface Lines {
  /** 1-based number of the command's line. */
  readonly line: number;
}

export interface LoadCommand extends Lines {
  readonly kind: "load";
  readonly stepMs: number;
  readonly series: readonly SeriesLine[];
  /** `load_with_nhcb`: classic histograms are wanted as native ones too. */
  readonly wantsNativeCopies: boolean;
}

export interface EvalCommand extends Lines {
  readonly kind: "eval";
  readonly query: string;
  /** An instant query has `startMs` equal to `endMs` and no step. */
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number | undefined;
  readonly expectations: Expectations;
  readonly series: readonly SeriesLine[];
  readonly scalar: number | undefined;
}

export type Command = LoadCommand | EvalCommand | (Lines & { readonly kind: "clear" });

/**
 * Reads a script in the language of Prometheus' PromQL tests.
 *
 * Source: Prometheus `promql/promqltest/README.md`. @throws Error that names the line
 */
export function parseScript(text: string): readonly Command[] {
  const commands: Command[] = [];
  let body: string[] = [];
  const blocks: { readonly head: string; readonly line: number; readonly body: string[] }[] = [];
  text.split("\n").forEach((raw, index) => {
    const content = raw.trim();
    if (content === "" || content.startsWith("#")) return;
    // Commands start in the first column; some files indent them by accident, so the keyword decides.
    if (/^(?:load|load_with_nhcb|clear|eval|eval_\w+)\b(?!\{)/.test(content) && !/^\s/.test(raw)) {
      body = [];
      blocks.push({ head: content, line: index + 1, body });
    } else body.push(content);
  });
  for (const { head, line, body: lines } of blocks) {
    try {
      commands.push({ ...parseBlock(head, lines), line });
    } catch (thrown) {
      throw new Error(`line ${line}: ${thrown instanceof Error ? thrown.message : String(thrown)}`, { cause: thrown });
    }
  }
  return commands;
}

type Block = Omit<LoadCommand, "line"> | Omit<EvalCommand, "line"> | { readonly kind: "clear" };

function parseBlock(head: string, body: readonly string[]): Block {
  if (head === "clear") return { kind: "clear" };
  const load = /^load(_with_nhcb)?\s+(\S+)$/.exec(head);
  if (load !== null) {
    const stepMs = scriptDurationMs(load[2] ?? "");
    return { kind: "load", stepMs, series: body.map(parseSeriesLine), wantsNativeCopies: load[1] !== undefined };
  }
  const instant = /^eval(?:_(\w+))?\s+instant\s+(?:at\s+(\S+)\s+)?(.+)$/.exec(head);
  if (instant !== null) {
    const atMs = scriptDurationMs(instant[2] ?? "0");
    return parseEval(instant[3] ?? "", body, { mode: instant[1], startMs: atMs, endMs: atMs, stepMs: undefined });
  }
  const range = /^eval(?:_(\w+))?\s+range\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)\s+(.+)$/.exec(head);
  if (range === null) throw new Error(`cannot read the command ${JSON.stringify(head)}`);
  const [, mode, from = "", to = "", step = "", query = ""] = range;
  return parseEval(query, body, {
    mode,
    startMs: scriptDurationMs(from),
    endMs: scriptDurationMs(to),
    stepMs: scriptDurationMs(step),
  });
}

interface Head {
  readonly mode: string | undefined;
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number | undefined;
}

function parseEval(query: string, body: readonly string[], { mode, ...times }: Head): Omit<EvalCommand, "line"> {
  const expectations: Expectations = {
    isOrdered: mode === "ordered",
    fails: mode === "fail",
    warns: mode === "warn" ? true : undefined,
    informs: mode === "info" ? true : undefined,
    string: undefined,
    messages: [],
  };
  const series: SeriesLine[] = [];
  let scalar: number | undefined;
  for (const line of body) {
    if (line.startsWith("expect ")) readExpectation(line.slice("expect ".length).trim(), expectations);
    else if (line.startsWith("expected_fail_")) expectations.fails = true;
    else if (isBareNumber(line)) scalar = parseScriptNumber(line);
    else series.push(parseSeriesLine(line));
  }
  return { kind: "eval", query, ...times, expectations, series, scalar };
}

function isBareNumber(line: string): boolean {
  return /^[+-]?(?:[\d.]+(?:e[+-]?\d+)?|inf|nan)$/i.test(line);
}

function readExpectation(text: string, into: Expectations): void {
  const match = /^(ordered|fail|warn|no_warn|info|no_info|string)\b\s*(?:(msg|regex)\s*:\s*(.*)|(.*))$/s.exec(text);
  if (match === null) throw new Error(`cannot read the expectation ${JSON.stringify(text)}`);
  const [, what, kind, message, rest = ""] = match;
  if (what === "ordered") into.isOrdered = true;
  if (what === "fail") into.fails = true;
  if (what === "warn" || what === "no_warn") into.warns = what === "warn";
  if (what === "info" || what === "no_info") into.informs = what === "info";
  if (what === "string") {
    const value = unquote(rest);
    if (!value.ok) throw new Error(`cannot read the string ${rest}`);
    into.string = value.value;
  }
  if (message !== undefined && (what === "fail" || what === "warn" || what === "info")) {
    into.messages.push({ about: what, kind: kind === "regex" ? "regex" : "msg", text: message.trim() });
  }
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Reads `5m`, `10s53ms`, or a bare number of seconds. @throws Error */
function scriptDurationMs(text: string): number {
  if (/^-?[\d.]+$/.test(text)) return Number(text) * 1000;
  if (!/^(?:\d+(?:ms|[smhd]))+$/.test(text)) throw new Error(`cannot read the duration ${JSON.stringify(text)}`);
  let sumMs = 0;
  for (const [, count = "", unit = ""] of text.matchAll(/(\d+)(ms|[smhd])/g))
    sumMs += Number(count) * (UNIT_MS[unit] ?? 0);
  return sumMs;
}

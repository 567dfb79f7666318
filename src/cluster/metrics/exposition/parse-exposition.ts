import { err, ok, type Result } from "#base";
import { createLabels, isLabelName, type Labels, METRIC_NAME } from "#promql";

/** What a scraped text says: one sample a line, and what `# TYPE`, `# HELP` and `# UNIT` tell about the metrics. */
export interface Exposition {
  readonly samples: readonly ExposedSample[];
  readonly metadata: ReadonlyMap<string, MetricMetadata>;
}

export interface ExposedSample {
  /** Name and labels as written, the same for the same series of a target from scrape to scrape. */
  readonly text: string;
  readonly value: number;
  readonly timestampMs?: number;
}

export interface MetricMetadata {
  readonly type: string;
  readonly help: string;
  readonly unit: string;
}

export type ExpositionFormat = "prometheus" | "openmetrics";

/** Bounds on what one target may say; a scrape that exceeds one is refused as a whole. */
export interface ExpositionLimits {
  readonly maxSampleCount: number;
  readonly maxLineLength: number;
  readonly maxLabelCount: number;
}

export const expositionLimits: ExpositionLimits = { maxSampleCount: 50_000, maxLineLength: 16_384, maxLabelCount: 64 };

/** Metrics that a target may describe; further descriptions are dropped, as they are only for people. */
const MAX_METADATA_COUNT = 5000;

/**
 * Reads a scrape. Series stay text here: a scraper that has seen the text before needs no labels.
 *
 * Source: Prometheus "Exposition formats" (text 0.0.4); OpenMetrics 1.0.0.
 */
export function parseExposition(
  body: string,
  format: ExpositionFormat,
  limits: ExpositionLimits = expositionLimits,
): Result<Exposition, string> {
  const samples: ExposedSample[] = [];
  const metadata = new Map<string, { type: string; help: string; unit: string }>();
  let lineNumber = 0;
  let hasEnded = false;
  for (let start = 0; start < body.length; ) {
    const newline = body.indexOf("\n", start);
    const end = newline === -1 ? body.length : newline;
    lineNumber++;
    if (end - start > limits.maxLineLength) {
      return err(`line ${lineNumber} has ${end - start} characters, at most ${limits.maxLineLength} are allowed`);
    }
    const line = body.slice(start, end).trim();
    start = end + 1;
    if (line === "") continue;
    if (hasEnded) return err(`line ${lineNumber} follows "# EOF"`);
    if (line.startsWith("#")) {
      hasEnded = format === "openmetrics" && line === "# EOF";
      readComment(line, metadata);
      continue;
    }
    const sample = parseSample(line, format);
    if (sample === undefined) return err(`line ${lineNumber} is not a sample: ${JSON.stringify(line.slice(0, 120))}`);
    if (samples.length === limits.maxSampleCount) return err(`more than ${limits.maxSampleCount} samples`);
    samples.push(sample);
  }
  if (format === "openmetrics" && !hasEnded) return err('the text does not end with "# EOF"');
  return ok({ samples, metadata });
}

function readComment(line: string, metadata: Map<string, { type: string; help: string; unit: string }>): void {
  const match = /^#\s+(TYPE|HELP|UNIT)\s+(\S+)\s?(.*)$/.exec(line);
  if (match === null) return;
  const [, kind, quotedName = "", text = ""] = match;
  const name = quotedName.replaceAll('"', "");
  const known = metadata.get(name);
  if (known === undefined && metadata.size >= MAX_METADATA_COUNT) return;
  const entry = known ?? { type: "unknown", help: "", unit: "" };
  if (kind === "TYPE") entry.type = text === "untyped" ? "unknown" : text;
  else if (kind === "HELP") entry.help = unescape(text);
  else entry.unit = text;
  metadata.set(name, entry);
}

/** Value, optional timestamp and, in OpenMetrics, an exemplar, which is not kept. */
const AFTER_SERIES = /^\s*(\S+)(?:\s+(-?[\d.eE+-]+))?(?:\s+#.*)?$/;

function parseSample(line: string, format: ExpositionFormat): ExposedSample | undefined {
  const end = endOfSeries(line);
  if (end === undefined) return undefined;
  const match = AFTER_SERIES.exec(line.slice(end));
  if (match === null) return undefined;
  const value = parseValue(match[1] ?? "");
  if (value === undefined) return undefined;
  const text = line.slice(0, end).trim();
  if (match[2] === undefined) return { text, value };
  const timestamp = Number(match[2]);
  if (!Number.isFinite(timestamp)) return undefined;
  return { text, value, timestampMs: Math.trunc(format === "openmetrics" ? timestamp * 1000 : timestamp) };
}

/** Where name and labels end: after the brace that is not within quotes, or before the first space. */
function endOfSeries(line: string): number | undefined {
  const brace = line.indexOf("{");
  const space = line.search(/\s/);
  if (brace === -1 || (space !== -1 && space < brace && !/^\s*\{/.test(line.slice(space)))) {
    return space === -1 ? undefined : space;
  }
  let isQuoted = false;
  for (let i = brace; i < line.length; i++) {
    const char = line[i];
    if (isQuoted && char === "\\") i++;
    else if (char === '"') isQuoted = !isQuoted;
    else if (char === "}" && !isQuoted) return i + 1;
  }
  return undefined;
}

function parseValue(text: string): number | undefined {
  const special = /^([+-]?)(inf|infinity|nan)$/i.exec(text);
  if (special !== null) {
    if (special[2]?.toLowerCase() === "nan") return Number.NaN;
    return special[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }
  const value = Number(text);
  return Number.isNaN(value) || /[xob_]/i.test(text) ? undefined : value;
}

/** Written so that no two parts can match the same spaces, which would make hostile text slow to refuse. */
const LABEL = /\s*(?:([a-zA-Z_][a-zA-Z0-9_]*)|"((?:[^"\\]|\\.)*)")\s*(?:=\s*"((?:[^"\\]|\\.)*)"\s*)?(,|$)/y;

/** Takes the text of a series apart: `name{a="b"}` or `{"name",a="b"}`. Refuses a label that comes twice. */
export function parseSeries(text: string, limits: ExpositionLimits = expositionLimits): Result<Labels, string> {
  const brace = text.indexOf("{");
  const name = (brace === -1 ? text : text.slice(0, brace)).trim();
  const entries = new Map<string, string>();
  if (name !== "") {
    if (!/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name)) return err(`invalid metric name ${JSON.stringify(name)}`);
    entries.set(METRIC_NAME, name);
  }
  const inner = brace === -1 ? "" : text.slice(brace + 1, -1).trim();
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < inner.length) {
    const match = LABEL.exec(inner);
    if (match === null) return err(`cannot read the labels of ${JSON.stringify(text.slice(0, 120))}`);
    const label = match[1] ?? unescape(match[2] ?? "");
    const [key, value] = match[3] === undefined ? [METRIC_NAME, label] : [label, unescape(match[3])];
    if (match[3] === undefined && match[2] === undefined) return err(`label ${JSON.stringify(label)} has no value`);
    if (!isLabelName(key)) return err(`invalid label name ${JSON.stringify(key)}`);
    if (entries.has(key))
      return err(`label ${JSON.stringify(key)} comes twice in ${JSON.stringify(text.slice(0, 120))}`);
    entries.set(key, value);
    if (entries.size > limits.maxLabelCount) return err(`more than ${limits.maxLabelCount} labels in one series`);
  }
  if (!entries.has(METRIC_NAME)) return err(`no metric name in ${JSON.stringify(text.slice(0, 120))}`);
  return ok(createLabels(entries));
}

function unescape(text: string): string {
  return text.includes("\\") ? text.replace(/\\(n|\\|")/g, (_, char: string) => (char === "n" ? "\n" : char)) : text;
}

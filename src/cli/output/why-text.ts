import { formatDuration } from "#base";
import { keyOfRun, type Run } from "#operator";
import type { CheckFact, DecisionRecord } from "#rollout";
import type { WhyReport } from "../commands/why-report.ts";
import type { Paint } from "./paint.ts";
import { capacityWords, checkWords, deedWords, evidenceWords, hasSamePods } from "./run-words.ts";
import { labelled, oneLine, wrap } from "./wrap.ts";

export interface WhyLayout {
  readonly width: number;
  readonly paint: Paint;
  /** Every decision, not only the last ones. */
  readonly isWhole: boolean;
}

/** Decisions that are shown unless all are asked for. */
const SHOWN_COUNT = 12;
/** Where what a decision says begins. */
const TEXT_COLUMN = 10;
const LABEL_COLUMN = 19;
/** Behind the widest weights, `100% → 95%`. */
const SENTENCE_COLUMN = TEXT_COLUMN + 12;

/** A report as lines: the sentence, the run, the chain of decisions, the queries. */
export function whyLines(report: WhyReport, layout: WhyLayout): string[] {
  const { run } = report;
  const shown = layout.isWhole ? run.records : run.records.slice(-SHOWN_COUNT);
  const hidden = run.records.length - shown.length + run.droppedCount;
  return [
    ...headline(report, layout),
    "",
    ...facts(report, layout),
    "",
    ...(hidden > 0 ? [layout.paint.faint(hiddenLine(run, hidden)), ""] : []),
    ...shown.flatMap((record, index) => decisionLines(record, shown[index - 1], layout)),
    ...queryLines(shown, layout),
  ];
}

function headline({ namespace, canary, sentence, run, isOpen }: WhyReport, { width, paint }: WhyLayout): string[] {
  const color = isOpen ? paint.waiting : isGood(run) ? paint.good : paint.bad;
  return wrap(`${namespace}/${canary}: ${sentence}`, width).map((line) => color(paint.strong(line)));
}

function isGood({ outcome }: Run): boolean {
  return outcome === "promoted" || outcome === "initialized";
}

function facts(report: WhyReport, { width }: WhyLayout): string[] {
  const { run, runs, problems, broken, phase, weight } = report;
  const row = (label: string, text: string): string[] =>
    labelled(`  ${label}`, text, { indent: TEXT_COLUMN + 2, width });
  const end = deciding(run);
  const others = runs.filter(({ number }) => number !== run.number);
  return [
    ...row("run", runText(run)),
    ...row("now", `${phase === "" ? "not looked at yet" : phase}, ${weight}% on the canary`),
    ...problems.flatMap((problem) => row("problem", problem)),
    ...(end?.otherwise === undefined ? [] : row("else", end.otherwise)),
    ...(run.note === undefined ? [] : row("note", run.note)),
    ...broken.flatMap(({ number, why }) => row("note", `${keyOfRun(number)} could not be read (${why})`)),
    ...(others.length === 0
      ? []
      : row("others", others.map(({ number, outcome }) => `${number} ${outcome}`).join(", "))),
  ];
}

/** The decision that the first line is about. */
function deciding({ records, endedAt }: Run): DecisionRecord | undefined {
  return records.find(({ at }) => at === endedAt) ?? records.at(-1);
}

function runText({ number, revision, startedAt, endedAt, outcome }: Run): string {
  const day = startedAt.slice(0, 10);
  const lasted = endedAt === undefined ? undefined : Date.parse(endedAt) - Date.parse(startedAt);
  const span =
    lasted === undefined || Number.isNaN(lasted)
      ? `since ${clock(startedAt)}`
      : `${clock(startedAt)} to ${clock(endedAt ?? "")} (${formatDuration(Math.round(lasted / 1000) * 1000)})`;
  return `${number}, ${outcome ?? "goes on"}; ${day} ${span} UTC${revision === "" ? "" : `; revision ${revision}`}`;
}

function hiddenLine({ droppedCount }: Run, hidden: number): string {
  const decisions = `${hidden} earlier ${hidden === 1 ? "decision" : "decisions"}`;
  if (hidden === droppedCount) return `… ${decisions} not kept`;
  const lost = droppedCount === 0 ? "" : `, ${droppedCount} of them not kept`;
  return `… ${decisions}${lost} (--all shows the rest)`;
}

function decisionLines(record: DecisionRecord, before: DecisionRecord | undefined, layout: WhyLayout): string[] {
  const { width, paint } = layout;
  const lead = `${clock(record.at).padEnd(TEXT_COLUMN)}${weightText(record)}`;
  const head = labelled(lead, record.sentence, { indent: SENTENCE_COLUMN, width });
  const row = (label: string, text: string): string[] => {
    const [first = "", ...rest] = labelled(`${" ".repeat(TEXT_COLUMN)}${label}`, text, { indent: LABEL_COLUMN, width });
    return [first.replace(label, paint.faint(label)), ...rest];
  };
  const { repeated, otherwise, done, evidence } = record;
  const pods = capacityWords(record);
  return [
    ...head,
    ...record.checks.flatMap((check) => row(checkLabel(check), checkWords(check)).map(colorOf(check, paint))),
    ...(evidence?.metrics ?? []).flatMap((fact) =>
      evidenceWords(fact, evidence?.stopAt ?? 0).flatMap((text, index) => row(index === 0 ? "seen" : "", text)),
    ),
    ...(pods === undefined || hasSamePods(record, before) ? [] : row("pods", pods)),
    ...(done.length === 0 ? [] : row("done", done.map(deedWords).join(", "))),
    ...(otherwise === undefined ? [] : row("else", otherwise)),
    ...(repeated === undefined ? [] : row("again", `${repeated.count} times until ${clock(repeated.lastAt)}`)),
    "",
  ];
}

function checkLabel({ verdict }: CheckFact): string {
  return verdict === "passed" ? "passed" : verdict === "failed" ? "failed" : "unknown";
}

function colorOf({ verdict }: CheckFact, paint: Paint): (line: string) => string {
  return (line) => (verdict === "failed" ? paint.bad(line) : line);
}

function weightText({ from, to }: DecisionRecord): string {
  return from.weight === to.weight ? `${to.weight}%` : `${from.weight}% → ${to.weight}%`;
}

/** Each query once, under the name of its check; never broken into lines, so that it can be copied. */
function queryLines(records: readonly DecisionRecord[], { paint }: WhyLayout): string[] {
  const queries = new Map<string, string>();
  for (const { checks, evidence } of records) {
    for (const { name, query } of checks) if (query !== undefined) queries.set(query, name);
    for (const { metric, query } of evidence?.metrics ?? []) if (query !== undefined) queries.set(query, metric);
  }
  if (queries.size === 0) return [];
  const texts = [...queries].flatMap(([query, name]) => [`  ${oneLine(name)}`, `    ${oneLine(query)}`]);
  return [paint.faint("queries"), ...texts];
}

/** The time of day of an RFC 3339 time; the text itself when it is none. */
function clock(time: string): string {
  return /T(\d\d:\d\d:\d\d)/.exec(time)?.[1] ?? time.slice(0, 8);
}

import { aimed, type Figure, type Figures, reported } from "../figures.ts";
import { releaseKinds, type ReleaseKind } from "./live-releases.ts";
import type { LiveResult } from "./live-run.ts";
import { markdownTable } from "./tables.ts";

/** What the releases of one kind came to. */
interface Tally {
  readonly kind: ReleaseKind;
  readonly results: readonly LiveResult[];
  readonly plannedCount: number;
  /** That ended as they should. */
  readonly rightCount: number;
  /** Of which `serin why` says what it should. */
  readonly explainedCount: number;
}

function talliesOf(planned: readonly ReleaseKind[], results: readonly LiveResult[]): Tally[] {
  return releaseKinds.map((kind) => {
    const own = results.filter((result) => result.kind === kind);
    return {
      kind,
      results: own,
      plannedCount: planned.filter((one) => one === kind).length,
      rightCount: own.filter(({ outcome }) => outcome === kind.expected.outcome).length,
      explainedCount: own.filter(({ whyFault }) => whyFault === undefined).length,
    };
  });
}

function isMet({ plannedCount, rightCount, explainedCount }: Tally): boolean {
  return rightCount === plannedCount && explainedCount === plannedCount;
}

/** A line for each kind: how many ended how, what was named, how long it took and what it cost clients. */
export function liveTable(planned: readonly ReleaseKind[], results: readonly LiveResult[]): string {
  const head = [
    "release",
    "promoted",
    "rolled back",
    "unfinished",
    "`serin why` is right",
    "median s",
    "longest s",
    "requests",
    "failed",
    "of them not by the release",
    "",
  ];
  return markdownTable(head, talliesOf(planned, results).map(rowOf));
}

function rowOf(tally: Tally): string[] {
  const { kind, results, plannedCount, explainedCount } = tally;
  const count = (outcome: LiveResult["outcome"]): number => results.filter((one) => one.outcome === outcome).length;
  const unproven = results.filter(({ isUnproven }) => isUnproven).length;
  const seconds = results.map((result) => result.seconds);
  return [
    `${kind.title}, ${plannedCount}`,
    `${count("promoted")}${unproven === 0 ? "" : `, ${unproven} without proof`}`,
    String(count("rolled back")),
    String(count("unfinished")),
    `${explainedCount}: ${kind.expected.metric ?? "nothing named"}`,
    secondsText(median(seconds)),
    secondsText(results.length === 0 ? undefined : Math.max(...seconds)),
    String(sum(results.map(({ requestCount }) => requestCount))),
    String(sum(results.map(({ failedCount }) => failedCount))),
    String(sum(results.map(({ failedByOthers }) => failedByOthers))),
    isMet(tally) ? "met" : "**not met**",
  ];
}

/** The same for programs, and what is aimed at. */
export function liveFigures(planned: readonly ReleaseKind[], results: readonly LiveResult[]): Figures {
  return Object.assign({}, ...talliesOf(planned, results).map(figuresOf)) as Figures;
}

function figuresOf(tally: Tally): Record<string, Figure> {
  const { kind, results, plannedCount, rightCount, explainedCount } = tally;
  const of = `of ${plannedCount}`;
  const seconds = results.map((result) => result.seconds);
  const middle = median(seconds);
  const requests = sum(results.map(({ requestCount }) => requestCount));
  return {
    [`${kind.name}-${kind.expected.outcome.replace(" ", "-")}`]: aimed(rightCount, of, { atLeast: plannedCount }),
    [`${kind.name}-explained`]: aimed(explainedCount, of, { atLeast: plannedCount }),
    ...(middle === undefined
      ? {}
      : {
          [`${kind.name}-median`]: reported(middle, "s"),
          [`${kind.name}-longest`]: reported(Math.max(...seconds), "s"),
        }),
    [`${kind.name}-requests`]: { value: requests, unit: "requests" },
    [`${kind.name}-failed`]: { value: sum(results.map(({ failedCount }) => failedCount)), unit: "requests" },
  };
}

/** The progress of one release: what it was, how it ended, and why. */
export function liveLine(result: LiveResult, { number, count }: { number: number; count: number }): string {
  const { kind, outcome, seconds, sentence, whyFault, isUnproven } = result;
  const place = `${String(number).padStart(String(count).length)}/${count}`;
  const isRight = outcome === kind.expected.outcome && whyFault === undefined;
  const notes = [...(isUnproven ? ["without proof"] : []), ...(whyFault === undefined ? [] : [whyFault])];
  const said = `${sentence}${notes.length === 0 ? "" : ` [${notes.join("; ")}]`}`;
  return `${place} ${kind.name.padEnd(7)} ${outcome.padEnd(11)} ${seconds.toFixed(1).padStart(6)} s  ${isRight ? "met    " : "NOT MET"} ${said}`;
}

function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return low === undefined || high === undefined ? undefined : (low + high) / 2;
}

function secondsText(seconds: number | undefined): string {
  return seconds === undefined ? "-" : seconds.toFixed(1);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

import { err, formatDuration, ok, parseDuration, type Result } from "#base";
import type { CaseFigures } from "./figures.ts";
import { parseShare } from "./parse-fault.ts";

type Unit = "share" | "duration" | "count";

interface Subject {
  readonly unit: Unit;
  /** Of the healthy release, or of each fault. */
  readonly isOfHealthy: boolean;
  /** Undefined when no run came to it; a requirement about it is then not met. */
  readonly of: (figures: CaseFigures) => number | undefined;
}

/** What can be required, by name. */
const subjects: Readonly<Record<string, Subject>> = {
  falseAbort: { unit: "share", isOfHealthy: true, of: ({ rolledBack }) => rolledBack.share },
  timeToPromote: { unit: "duration", isOfHealthy: true, of: ({ timeToPromote }) => timeToPromote?.median },
  timeToPromoteP90: { unit: "duration", isOfHealthy: true, of: ({ timeToPromote }) => timeToPromote?.p90 },
  detection: { unit: "share", isOfHealthy: false, of: ({ rolledBack }) => rolledBack.share },
  timeToDetect: { unit: "duration", isOfHealthy: false, of: ({ timeToRollback }) => timeToRollback?.median },
  timeToDetectP90: { unit: "duration", isOfHealthy: false, of: ({ timeToRollback }) => timeToRollback?.p90 },
  badRequests: { unit: "count", isOfHealthy: false, of: ({ badUntilRollback }) => badUntilRollback?.median },
  badRequestsP90: { unit: "count", isOfHealthy: false, of: ({ badUntilRollback }) => badUntilRollback?.p90 },
};

const COMPARISONS: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  "<=": (a, b) => a <= b,
  ">=": (a, b) => a >= b,
  "<": (a, b) => a < b,
  ">": (a, b) => a > b,
};

/** One `--require`. */
export interface Requirement {
  readonly text: string;
  readonly subjectName: string;
  readonly sign: string;
  readonly bound: number;
}

/** A requirement held against the figures of one case. */
export interface Held {
  readonly text: string;
  readonly caseName: string;
  /** Undefined when no run came to what is asked about. */
  readonly value: number | undefined;
  readonly shown: string;
  readonly isMet: boolean;
}

/** Parses a requirement such as `falseAbort<=1%`, `timeToDetect<4m`, `badRequests<=200`. */
export function parseRequirement(text: string): Result<Requirement, string> {
  const match = /^\s*(\w+)\s*(<=|>=|<|>)\s*(\S+)\s*$/.exec(text);
  const [, subjectName = "", sign = "", boundText = ""] = match ?? [];
  const subject = Object.hasOwn(subjects, subjectName) ? subjects[subjectName] : undefined;
  if (subject === undefined)
    return err(
      `--require: "${text}" is not a requirement; write NAME<=VALUE or NAME>=VALUE, with NAME one of ${Object.keys(subjects).join(", ")}`,
    );
  const bound = parseBound(boundText, subject.unit);
  if (bound === undefined)
    return err(`--require: "${text}" needs ${bounds[subject.unit]} after ${sign}, received "${boundText}"`);
  return ok({ text, subjectName, sign, bound });
}

const bounds: Readonly<Record<Unit, string>> = {
  share: "a percentage such as 1%",
  duration: "a duration such as 4m",
  count: "a number of requests such as 200",
};

function parseBound(text: string, unit: Unit): number | undefined {
  switch (unit) {
    case "share":
      return parseShare(text);
    case "duration": {
      const duration = parseDuration(text);
      return duration.ok ? duration.value : undefined;
    }
    case "count":
      return /^\d+(\.\d+)?$/.test(text) ? Number(text) : undefined;
  }
}

/** Holds a requirement against every case that it is about. The value measured counts, not its limits. */
export function holdRequirement(requirement: Requirement, cases: readonly CaseFigures[]): Held[] {
  const subject = subjects[requirement.subjectName];
  const compare = COMPARISONS[requirement.sign];
  if (subject === undefined || compare === undefined) return [];
  return cases
    .filter(({ isHealthy }) => isHealthy === subject.isOfHealthy)
    .map((figures) => {
      const value = subject.of(figures);
      return {
        text: requirement.text,
        caseName: figures.name,
        value,
        shown: value === undefined ? "no run" : show(value, subject.unit),
        isMet: value !== undefined && compare(value, requirement.bound),
      };
    });
}

function show(value: number, unit: Unit): string {
  switch (unit) {
    case "share":
      return `${Number((100 * value).toPrecision(3))}%`;
    case "duration":
      return formatDuration(value);
    case "count":
      return String(Math.round(value));
  }
}

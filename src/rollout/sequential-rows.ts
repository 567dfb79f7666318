import { formatDuration } from "#base";
import { startShare } from "#stats";
import { factsOf, startEvent } from "./check-rows.ts";
import { checksOf } from "./checks.ts";
import type { Command, Label } from "./decision.ts";
import { alert, type Draft, event, infrastructure, type Row, standing } from "./draft.ts";
import type { Verdict } from "./evidence/judge-run.ts";
import { chanceText, comparisonText, countText, evidenceText, percentText, whatText } from "./evidence/words.ts";
import { rollback } from "./rollback.ts";
import { collectText, holdText, missingText, placeText } from "./sequential-sentences.ts";
import { isAnalysing, type Situation } from "./situation.ts";
import type { JudgedTrial, Trial } from "./trial.ts";

type VerdictKind = Verdict["kind"];

/** The row of a verdict. */
function onVerdict<K extends VerdictKind>(
  label: Label,
  kind: K,
  then: (s: Situation, verdict: Extract<Verdict, { kind: K }>, trial: JudgedTrial) => Draft,
): Row<Situation> {
  return {
    label,
    when: (s) => isAnalysing(s) && verdictOf(s)?.kind === kind,
    then: (s) => {
      const verdict = verdictOf(s);
      if (s.trial?.kind !== "judged" || !isOf(verdict, kind)) return { sentence: "" };
      return then(s, verdict, s.trial);
    },
  };
}

function isOf<K extends VerdictKind>(verdict: Verdict | undefined, kind: K): verdict is Extract<Verdict, { kind: K }> {
  return verdict?.kind === kind;
}

function verdictOf({ trial }: Situation): Verdict | undefined {
  return trial?.kind === "judged" ? trial.judgement.verdict : undefined;
}

function timesOut(s: Situation, action: "promote" | "hold" | "rollback"): boolean {
  const verdict = verdictOf(s);
  return isAnalysing(s) && verdict?.kind === "timeout" && verdict.action === action;
}

/** The row of a kind of trial that judges nothing. */
function onTrial<K extends Trial["kind"]>(
  label: Label,
  kind: K,
  then: (s: Situation, trial: Extract<Trial, { kind: K }>) => Draft,
): Row<Situation> {
  const isKind = (trial: Trial | undefined): trial is Extract<Trial, { kind: K }> => trial?.kind === kind;
  return {
    label,
    when: (s) => isAnalysing(s) && isKind(s.trial),
    then: (s) => (isKind(s.trial) ? then(s, s.trial) : { sentence: "" }),
  };
}

/** Sequential analyses, before the checks: what is counted, and what ends the release. Source: design note 0007. */
export const sequentialEndRows: readonly Row<Situation>[] = [
  onTrial("ask-samples", "ask", (_, { question }) => ({
    sentence: "Asking what both copies counted since the last look.",
    questions: [question],
  })),
  onTrial("restart-analysis", "restart", (s, { reason }) => ({
    ...held(s),
    sentence: `The analysis starts again ${placeText(s)}, and the release is held meanwhile: ${reason}.`,
    commands: [
      ...infrastructure(s.weight, s.isMirroring),
      event("Warning", `The analysis of ${s.names.canaryRef} starts again: ${reason}`),
    ],
    otherwise: "Without the change it would have gone on with the evidence that it had.",
  })),
  {
    label: "rollback-evidence",
    when: (s) => isAnalysing(s) && verdictOf(s)?.kind === "worse",
    then: rollbackByEvidence,
  },
  onVerdict("rollback-objective", "objective", (s, { leading }) => {
    const what = whatText(leading, leading.watch?.boundMs);
    const allowed = percentText(leading.watch?.rate ?? 0);
    const told = leading.worst === undefined ? what : comparisonText(leading, leading.worst);
    const draft = rollback(s, {
      sentence: `Rolling back: the canary breaks its objective of ${allowed} ${what}, which the primary keeps: ${told}`,
      before: [event("Warning", `Rolling back ${s.names.canaryRef} objective of ${what} broken by the canary alone`)],
      alert: {
        severity: "error",
        message: `The canary breaks its objective of ${allowed} ${what}; the primary keeps it`,
      },
      checks: factsOf(s),
    });
    return { ...draft, otherwise: "Had the primary not been proven to keep it, the release would have been held." };
  }),
  {
    label: "on-timeout-rollback",
    when: (s) => timesOut(s, "rollback") || (s.trial?.kind === "unplanned" && isGivenUp(s)),
    then: (s) => {
      const time = formatDuration(s.settings.sequential?.maxDurationMs ?? 0);
      const draft = rollback(s, {
        sentence: `Rolling back: the canary was not proven to be fine within ${time}, and spec.analysis.sequential.onTimeout is rollback`,
        before: [event("Warning", `Rolling back ${s.names.canaryRef} no proof within ${time}`)],
        alert: { severity: "warn", message: `The canary was not proven to be fine within ${time}` },
        checks: factsOf(s),
      });
      return { ...draft, otherwise: "With onTimeout promote or hold it would not have been rolled back." };
    },
  },
  onTrial("hold-no-data", "unplanned", (s, { missing }) =>
    holdDraft(s, {
      sentence: `Holding ${placeText(s)}, not counted against the release: ${missingText(missing)}`,
      event: missingText(missing),
      otherwise: "With data of both copies the analysis begins.",
    }),
  ),
];

function isGivenUp({ trial, settings }: Situation): boolean {
  return trial?.kind === "unplanned" && trial.isOver && settings.sequential?.onTimeout === "rollback";
}

function rollbackByEvidence(s: Situation): Draft {
  const verdict = verdictOf(s);
  if (verdict?.kind !== "worse") return { sentence: "" };
  const { leading, chanceCount } = verdict;
  const found = evidenceText(leading);
  const what = whatText(leading, leading.worst?.boundMs);
  return {
    ...rollback(s, {
      sentence: `Rolling back: ${found}; by chance in ${chanceText(chanceCount)}`,
      before: [event("Warning", `Rolling back ${s.names.canaryRef} worse than the primary: ${found}`)],
      alert: { severity: "error", message: `The canary is worse than the primary in ${what}` },
      checks: factsOf(s),
    }),
    otherwise: fewerText(s),
  };
}

/** What would have kept the release: so many bad requests fewer, where that can be said. */
function fewerText({ trial, settings }: Situation): string {
  const spared = trial?.kind === "judged" ? trial.spared : undefined;
  if (spared === undefined) return "Within the tolerance of spec.analysis.sequential it would have gone on.";
  const since = formatDuration(settings.tickMs);
  return `With ${countText(spared)} bad ${spared === 1 ? "request" : "requests"} of the canary fewer in the last ${since} it would have gone on.`;
}

/** Verdicts that hold. */
const labelOf = {
  "no-data": "hold-no-data",
  "objective-broken": "hold-objective",
  "shared-damage": "hold-shared-damage",
  "sample-ratio": "hold-sample-ratio",
  suspicious: "hold-suspicious",
} as const satisfies Partial<Record<VerdictKind, Label>>;

const endings = {
  "no-data": "With data of every metric the analysis goes on from where it is.",
  "objective-broken": "When the canary's newest requests keep the objective again, it goes on.",
  "shared-damage": "When the primary does as well as before the release again, it goes on.",
  "sample-ratio": "When the canary completes its share again, it goes on.",
  suspicious: "With fewer bad requests of the canary it would go on; with more it is rolled back.",
} as const;

/** Sequential analyses, after checks that passed: what keeps the release where it is. */
export const sequentialHoldRows: readonly Row<Situation>[] = [
  {
    label: "hold-check",
    when: (s) => isAnalysing(s) && checksOf(s).kind === "held",
    then: (s) => {
      const checks = checksOf(s);
      const message =
        checks.kind === "held" ? checks.message.replace(`Halt ${s.names.canaryRef} advancement `, "") : "";
      return {
        ...holdDraft(s, {
          sentence: `Holding ${placeText(s)}: a metric that cannot be compared is out of its range: ${message}`,
          event: "a metric that cannot be compared is out of its range",
          otherwise: "With the metric within its range the release would go on.",
        }),
        checks: checks.kind === "held" ? checks.facts : [],
      };
    },
  },
  ...(["no-data", "objective-broken", "shared-damage", "sample-ratio", "suspicious"] as const).map((kind) =>
    onVerdict(labelOf[kind], kind, (s, verdict) =>
      holdDraft(s, {
        ...holdText(s, verdict),
        otherwise: endings[kind],
        // One in three healthy releases meets it at some time; nobody is to be woken for that.
        isCommon: kind === "suspicious",
      }),
    ),
  ),
  {
    label: "on-timeout-hold",
    when: (s) => timesOut(s, "hold"),
    then: (s) =>
      holdDraft(s, {
        sentence: `Holding ${placeText(s)}: nothing is proven within ${formatDuration(s.settings.sequential?.maxDurationMs ?? 0)}, and spec.analysis.sequential.onTimeout is hold; somebody has to decide.`,
        event: "the time for evidence is over and nothing is proven; promote or abort it",
        otherwise: "With onTimeout promote or rollback it would have gone on by itself.",
      }),
  },
  onVerdict("collect", "collect", (s, { wait }, trial) => ({
    ...held(s),
    sentence: () => collectText(s, trial, wait),
    commands: [...infrastructure(s.weight, s.isMirroring), ...slowStart(s, trial)],
    checks: factsOf(s),
    otherwise:
      wait.kind === "bound"
        ? "With more requests, or fewer bad ones of the canary, it would go on sooner."
        : NOTHING_ELSE,
  })),
];

const NOTHING_ELSE = "Nothing speaks against the release; it goes on when the time has come.";

/** Whether the release is promoted without proof, because its time is over and nothing speaks against it. */
export function isTimedOut(s: Situation): boolean {
  return timesOut(s, "promote");
}

function held(s: Situation): Pick<Draft, "isTick"> & { readonly wakeAtMs: number } {
  return { isTick: true, wakeAtMs: s.nowMs + s.settings.tickMs };
}

function holdDraft(
  s: Situation,
  told: { readonly sentence: string; readonly event: string; readonly otherwise: string; readonly isCommon?: boolean },
): Draft {
  const why = told.event;
  return {
    ...held(s),
    sentence: told.sentence,
    commands: [
      ...infrastructure(s.weight, s.isMirroring),
      ...startEvent(s),
      standing("Warning", `Halt ${s.names.canaryRef} advancement ${why}`),
      ...(told.isCommon === true ? [] : [alert("warn", `Canary analysis is on hold: ${why}`, { isStanding: true })]),
    ],
    checks: factsOf(s),
    otherwise: told.otherwise,
  };
}

/** A first step that gets hardly a request is told, and left as it is: it is the user's. Source: statistics reference 2.11. */
function slowStart(s: Situation, { run }: JudgedTrial): Command[] {
  const rate = run.requestsPerSecond;
  const isFirstStep = s.weight > 0 && run.step.ticks === 1;
  if (rate === undefined || rate <= 0 || !isFirstStep || s.weight / 100 >= startShare(rate) * ENOUGH) return [];
  const message = `${s.names.canaryRef} gets about ${Number(rate.toPrecision(2))} requests per second, so ${s.weight}% tell little; a first step of ${percentText(startShare(rate))} would be faster`;
  return [standing("Warning", message)];
}

/** Rates tremble, and a step of about the right size is right. */
const ENOUGH = 0.8;

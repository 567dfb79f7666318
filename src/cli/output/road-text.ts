import { type CheckOutlook, type Forecast, formatWayBack, type Road, type RoadStep, type RoadWarning } from "#rollout";
import type { Paint } from "./paint.ts";
import { about, count, points } from "./run-words.ts";
import { labelled, oneLine, wrap } from "./wrap.ts";

/** What a road was planned for. */
export interface RoadSubject {
  readonly namespace: string;
  readonly canary: string;
  readonly intervalMs: number;
  readonly threshold: number;
  readonly requestsPerSecond: number | undefined;
  /** Share of the primary's requests that is taken to fail, 0 to 1. */
  readonly errorRate: number;
}

interface Layout {
  readonly width: number;
  readonly paint: Paint;
}

const LABEL_COLUMN = 12;
const CHECK_COLUMN = 6;

/** A road as lines: one sentence, what it was reckoned from, the steps, what the checks can find out, the warnings. */
export function roadLines(road: Road, subject: RoadSubject, layout: Layout): string[] {
  const { width, paint } = layout;
  const row = (label: string, text: string): string[] => labelled(`  ${label}`, text, { indent: LABEL_COLUMN, width });
  return [
    ...wrap(headline(road, subject), width).map(paint.strong),
    "",
    ...row("method", methodText(road, subject)),
    ...row("traffic", trafficText(subject)),
    ...(road.wayBack.length === 0 ? [] : row("way back", `${formatWayBack(road.wayBack)}, from the highest weight`)),
    "",
    ...table(road),
    "",
    ...checkSection(road, layout),
    ...warningSection(road.warnings, layout),
  ];
}

function headline({ durationMs, steps }: Road, { namespace, canary }: RoadSubject): string {
  const stepCount = steps.filter(({ kind }) => kind !== "scale-up" && kind !== "done").length;
  const name = `${namespace}/${canary}`;
  const taken = count(stepCount, "step");
  if (durationMs === undefined) return `${name}: ${taken}; nothing says how long they take`;
  const after = stepCount === 0 ? "" : `${taken} and `;
  return `${name}: promoted after ${after}about ${about(durationMs)}, if nothing holds it up`;
}

function methodText({ method, strategy, forecast }: Road, { intervalMs, threshold }: RoadSubject): string {
  if (method === "sequential")
    return `${strategy}, sequential: both copies are compared; at most ${about(forecast?.maxDurationMs ?? 0)}`;
  const failed = threshold === 1 ? "the first failed check rolls back" : `${threshold} failed checks roll back`;
  return `${strategy}, threshold: checks every ${about(intervalMs)}; ${failed}`;
}

function trafficText({ requestsPerSecond }: RoadSubject): string {
  if (requestsPerSecond === undefined) return "not known yet: name it with --rps to see what the checks can find out";
  return `${Number(requestsPerSecond.toFixed(2))} requests/s`;
}

/** The steps as a table; iterations of the same kind are one line. */
function table({ steps }: Road): string[] {
  const rows = steps.flatMap((step, index) =>
    isSame(step, steps[index - 1]) && isSame(step, steps[index + 1]) ? [] : [step],
  );
  const cells = rows.map((step) => [
    step.atMs === undefined ? "-" : about(step.atMs),
    `${step.weight}%`,
    step.pods.canary === undefined ? "-" : String(step.pods.canary),
    step.pods.primary === undefined ? "-" : String(step.pods.primary),
    stepText(step),
  ]);
  const head = ["after", "canary", "its pods", "primary's", ""];
  return [head, ...cells].map((row) => {
    const [after = "", weight = "", canary = "", primary = "", text = ""] = row;
    return `  ${after.padStart(7)}  ${weight.padStart(6)}  ${canary.padStart(8)}  ${primary.padStart(9)}  ${text}`.trimEnd();
  });
}

function isSame(step: RoadStep, other: RoadStep | undefined): boolean {
  return other?.kind === step.kind && other.weight === step.weight && step.kind === "check";
}

function stepText({ kind, weight }: RoadStep): string {
  switch (kind) {
    case "scale-up":
      return "its pods start";
    case "mirror":
      return "a copy of the requests";
    case "weight":
      return weight === 100 ? "all traffic" : "";
    case "check":
      return "a check";
    case "promote":
      return "the primary gets the new revision";
    case "shift":
      return "back to the primary";
    case "done":
      return "promoted, the canary's pods go";
  }
}

function checkSection(road: Road, layout: Layout): string[] {
  const { checks, forecast } = road;
  const { paint } = layout;
  if (forecast !== undefined)
    return [
      paint.faint(`evidence, at ${forecast.firstWeight}% of the traffic`),
      ...forecastLines(forecast, layout),
      "",
    ];
  if (checks.length === 0) return [];
  return [paint.faint("checks"), ...checks.flatMap((check) => checkLines(check, layout)), ""];
}

function checkLines(check: CheckOutlook, { width }: Layout): string[] {
  const row = (text: string): string[] => labelled("", text, { indent: CHECK_COLUMN, width });
  const { name, allowed, windowMs, blindTo } = check;
  return [
    `  ${oneLine(name)}: ${allowed}, last ${about(windowMs)}`,
    ...row(failText(check)),
    ...(blindTo === undefined ? [] : row(`does not see ${blindTo}`)),
  ];
}

function failText({ weight, requestCount, badToFail, rollbackMs, servedBefore }: CheckOutlook): string {
  const served = servedBefore === undefined ? "" : ` and about ${count(servedBefore, "request")}`;
  const back = `a version that is bad from the start goes back after ${about(rollbackMs)}${served}`;
  if (requestCount === undefined || badToFail === undefined) return back;
  const bad = badToFail === 1 ? "1 bad one fails it" : `${count(badToFail)} bad ones fail it`;
  return `at ${weight}% about ${count(requestCount, "request")}, of which ${bad}; ${back}`;
}

function forecastLines({ detections, smallestFound, ruledOut, isProven }: Forecast, { width }: Layout): string[] {
  const row = (text: string): string[] => labelled("", text, { indent: 2, width });
  return [
    ...detections.flatMap(({ excess, requestCount, afterMs }) => {
      const time = afterMs === undefined ? "" : `, ${about(afterMs)}`;
      return row(`${points(excess)} more errors: rolled back after about ${count(requestCount, "request")}${time}`);
    }),
    ...(smallestFound === undefined
      ? []
      : row(`of releases with ${points(smallestFound)} more errors nine in ten are found on the way`)),
    ...(ruledOut === undefined || !isProven ? [] : row(`a promotion rules out more than ${points(ruledOut)}`)),
  ];
}

const kinds: Readonly<Record<RoadWarning["kind"], string>> = {
  "never-fails": "can never fail",
  "never-decides": "can never decide",
  noisy: "fails by chance",
};

function warningSection(warnings: readonly RoadWarning[], { width, paint }: Layout): string[] {
  if (warnings.length === 0) return [];
  const lines = warnings.flatMap(({ kind, metric, text }) =>
    labelled("  ! ", `${metric === "" ? "the release" : metric} ${kinds[kind]}: ${text}`, { indent: 4, width }),
  );
  return [paint.faint("warnings"), ...lines.map(paint.waiting)];
}

import { formatDuration } from "#base";
import type { CapacityRecord, CheckFact, DecisionRecord, Deed, EvidenceFact } from "#rollout";

/** What a record of a run says, in words of people. */

/** `12,345`, and with a noun `12,345 requests` or `1 request`. */
export function count(value: number, noun?: string): string {
  const whole = Math.round(value);
  const text = value < 1e12 ? whole.toLocaleString("en-US") : "no end of";
  return noun === undefined ? text : `${text} ${noun}${whole === 1 ? "" : "s"}`;
}

/** `1 in 20` for a chance of 0.05. */
export function oneIn(chance: number): string {
  if (!(chance > 0)) return "less than 1 in 1,000,000,000";
  const times = 1 / chance;
  return times >= 1e9 ? "less than 1 in 1,000,000,000" : `1 in ${count(times)}`;
}

/** A difference of rates: `0.3 points`. */
export function points(rate: number): string {
  const value = Math.abs(rate) * 100;
  const digits = value === 0 || value >= 10 ? 0 : value >= 1 ? 1 : 2;
  const shown = Number(value.toFixed(digits));
  return `${shown} ${shown === 1 ? "point" : "points"}`;
}

/** Whole seconds and more; people do not plan in milliseconds. */
export function about(ms: number): string {
  const rounded =
    ms < 1000 ? Math.round(ms) : ms < 600_000 ? Math.round(ms / 1000) * 1000 : Math.round(ms / 60_000) * 60_000;
  return formatDuration(rounded)
    .replace(/(\d)m0s$/, "$1m")
    .replace(/(\d)h0m$/, "$1h");
}

export function checkWords({ name, verdict, detail, result, allowed, window }: CheckFact): string {
  const bound =
    allowed === undefined ? "" : verdict === "failed" ? `: ${allowed} is allowed` : ` (allowed: ${allowed})`;
  const within = window === undefined ? "" : `, last ${window}`;
  if (result === undefined) return verdict === "passed" ? `hook ${name} passed` : detail;
  if (result.kind === "value" || result.kind === "zero") {
    const value = result.kind === "zero" ? 0 : result.value;
    return `${name} ${valueWords(name, value)}${bound}${within}`;
  }
  if (result.kind === "empty") return `${name} has no value${within}: no traffic, or a query that finds nothing`;
  return detail;
}

function valueWords(name: string, value: number): string {
  if (name === "request-success-rate") return `${Number(value.toFixed(2))}%`;
  if (name === "request-duration") return formatDuration(value);
  return String(Number(value.toFixed(4)));
}

/** Both copies' counts, the difference and what it may be, what it is worth, and what is still needed. */
export function evidenceWords(fact: EvidenceFact, stopAt: number): string[] {
  const { metric, what, canary, primary, windowMs } = fact;
  const window = windowMs === undefined ? "" : `, last ${about(windowMs)}`;
  const arms = `canary ${count(canary.bad)} of ${count(canary.total)}, primary ${count(primary.bad)} of ${count(primary.total)}`;
  const lines = [`${metric} (${what}): ${arms}${window}`];
  // Before the first request every number is the one that nothing says.
  if (canary.total === 0) return lines;
  const difference = differenceWords(fact);
  if (difference !== undefined) lines.push(difference);
  lines.push(`${alarmWords(fact.falseAlarm)}; goes back at ${oneIn(Math.exp(-stopAt))}`);
  const bound = boundWords(fact);
  if (bound !== undefined) lines.push(bound);
  return lines;
}

/** Chance of so much evidence about a good release. */
function alarmWords(falseAlarm: number): string {
  return falseAlarm > 0.5 ? "nothing against it so far" : `false-alarm chance ${oneIn(falseAlarm)}`;
}

function differenceWords({ estimate, interval }: EvidenceFact): string | undefined {
  if (estimate === undefined) return undefined;
  const between = interval === undefined ? "" : `, between ${signed(interval.low)} and ${signed(interval.high)} points`;
  if (estimate === 0) return `no difference${between}`;
  return `${points(estimate)} ${estimate > 0 ? "worse" : "better"}${between}`;
}

function signed(rate: number): string {
  return String(Number((rate * 100).toFixed(2)));
}

function boundWords({ bound, goAt, left }: EvidenceFact): string | undefined {
  if (bound === undefined) return undefined;
  const limit = goAt === undefined ? "" : `; goes on at ${points(goAt)}`;
  return `at most ${points(bound)} worse${limit}${left === undefined || left.requestCount <= 0 ? "" : `: ${leftWords(left)}`}`;
}

function leftWords({ requestCount, etaMs }: NonNullable<EvidenceFact["left"]>): string {
  return `about ${count(requestCount, "request")} more${etaMs === undefined ? "" : `, ${about(etaMs)} at this traffic`}`;
}

export function deedWords(deed: Deed): string {
  switch (deed.kind) {
    case "weight":
      return deed.isMirrored === true
        ? "copies of the requests to the canary"
        : `${deed.canary}% of the traffic to the canary`;
    case "replicas":
      return `canary scaled to ${pods(deed.count)}`;
    case "floor":
      return deed.count === undefined
        ? `autoscaler of the ${deed.copy} given back its own bound`
        : `autoscaler of the ${deed.copy} held at ${pods(deed.count)} or more`;
    case "promote":
      return "new revision given to the primary";
    default:
      // A newer operator may have written it.
      return "something that this version has no words for";
  }
}

/** Pods of both copies, and the way back; undefined when nothing was planned. */
export function capacityWords({ capacity }: DecisionRecord): string | undefined {
  if (capacity === undefined) return undefined;
  const { requestsPerSecond } = capacity;
  const rate = requestsPerSecond === undefined ? "" : `${Number(requestsPerSecond.toFixed(1))} requests/s; `;
  return `${rate}${podWords(capacity)}`;
}

function podWords({ primary, canary, next, wayBack, bounds }: CapacityRecord): string {
  const step = next > canary.need ? `, ${next} for the next step` : "";
  const limits = bounds.length === 0 ? "" : `; ${bounds.join(", ")}`;
  return `canary ${canary.ready} ready of ${canary.need} needed${step}; primary ${primary.ready} of ${primary.need}; way back ${wayBack}${limits}`;
}

/** Whether two decisions saw the same pods; the rate of requests never stands still. */
export function hasSamePods({ capacity }: DecisionRecord, before: DecisionRecord | undefined): boolean {
  if (capacity === undefined || before?.capacity === undefined) return false;
  return podWords(capacity) === podWords(before.capacity);
}

function pods(number: number): string {
  return `${number} ${number === 1 ? "pod" : "pods"}`;
}

import type { CanaryMetric } from "#api";
import { formatDuration, parseDuration } from "#base";
import { allowedRange, allowedText, partsOf, REQUEST_DURATION, SUCCESS_RATE } from "./judge-metric.ts";
import type { MetricPart } from "./observation.ts";
import type { RoadAssumptions, RoadLoad } from "./road-load.ts";
import { hooksOf, type RolloutSettings } from "./settings.ts";

/** What the checks of the threshold method can find out: how many bad requests they take, and what passes them. */

/** A check that cannot do what it is there for. */
export interface RoadWarning {
  readonly kind: "never-fails" | "never-decides" | "noisy";
  /** The metric; empty for the release as a whole. */
  readonly metric: string;
  readonly text: string;
}

/** One form of a metric, at the first weight: there a bad version does the least harm. */
export interface CheckOutlook {
  readonly name: string;
  /** `99% or more`. */
  readonly allowed: string;
  readonly windowMs: number;
  /** The weight at which the numbers hold, in percent. */
  readonly weight: number;
  /** The canary's requests in the window; undefined when the traffic is not known. */
  readonly requestCount: number | undefined;
  /** Bad requests among them that fail a check; undefined where it is not about a share of requests. */
  readonly badToFail: number | undefined;
  /** Time from a version that is bad from its first request to its rollback: failed checks, an interval apart. */
  readonly rollbackMs: number;
  /** Requests that such a canary has served by then. */
  readonly servedBefore: number | undefined;
  /** What passes, in words. */
  readonly blindTo: string | undefined;
}

interface Surroundings {
  readonly load: RoadLoad;
  readonly weights: readonly number[];
  readonly assumed: RoadAssumptions;
}

/** The metric's window when it names none. Source: flagger-spec 5.1. */
const DEFAULT_WINDOW_MS = 60_000;

export function checkOutlooks(settings: RolloutSettings, around: Surroundings): CheckOutlook[] {
  return settings.metrics.flatMap((metric) =>
    partsOf(metric).map((part) => outlookOf({ metric, part }, settings, around)),
  );
}

interface Form {
  readonly metric: CanaryMetric;
  readonly part: MetricPart;
}

function outlookOf(form: Form, settings: RolloutSettings, { load, weights }: Surroundings): CheckOutlook {
  const { metric } = form;
  const windowMs = windowOf(metric);
  const weight = weights[0] ?? 0;
  const rate = canaryRate(load, settings, weight);
  const requestCount = rate === undefined ? undefined : (rate * windowMs) / 1000;
  const rollbackMs = settings.threshold * settings.intervalMs;
  return {
    name: metric.name,
    allowed: allowedText(form),
    windowMs,
    weight,
    requestCount,
    badToFail: requestCount === undefined ? undefined : badToFail(form, requestCount),
    rollbackMs,
    servedBefore: rate === undefined ? undefined : (rate * rollbackMs) / 1000,
    blindTo: blindSpot(form),
  };
}

/** Requests per second of the canary at a weight. Of an A/B test nobody knows them before. */
function canaryRate(
  { requestsPerSecond }: RoadLoad,
  { strategy }: RolloutSettings,
  weight: number,
): number | undefined {
  if (requestsPerSecond === undefined || strategy.kind === "ab-testing") return undefined;
  return (requestsPerSecond * weight) / 100;
}

/**
 * The least number of bad requests among so many that breaks the bound: of errors more than their allowed share; of the 99th
 * percentile more than one in a hundred.
 */
function badToFail(form: Form, requestCount: number): number | undefined {
  const allowedShare = allowedBadShare(form);
  if (allowedShare === undefined || allowedShare >= 1) return undefined;
  return Math.floor(Math.round(requestCount) * allowedShare + ROUNDING) + 1;
}

/** What a share of percent may be off by without a request more. */
const ROUNDING = 1e-9;

function allowedBadShare(form: Form): number | undefined {
  const { metric, part } = form;
  if (part !== "builtin") return undefined;
  if (metric.name === REQUEST_DURATION) return allowedRange(form).max === undefined ? undefined : 0.01;
  const { min } = allowedRange(form);
  return min === undefined ? undefined : 1 - min / 100;
}

function blindSpot(form: Form): string | undefined {
  const { metric, part } = form;
  const { min, max } = allowedRange(form);
  if (part !== "builtin") return undefined;
  if (metric.name === REQUEST_DURATION)
    return max === undefined ? undefined : `any slowdown that leaves 99% of the requests below ${formatDuration(max)}`;
  if (min === undefined || min >= 100) return undefined;
  return `error rates up to ${Number((100 - min).toFixed(4))}%, however good the primary is`;
}

export function thresholdWarnings(settings: RolloutSettings, around: Surroundings): RoadWarning[] {
  const forms = settings.metrics.flatMap((metric) => partsOf(metric).map((part) => ({ metric, part })));
  if (settings.skipsAnalysis)
    return [whole("never-fails", "spec.skipAnalysis is true: no check is made, only the pods have to become ready")];
  if (forms.length === 0 && hooksOf(settings, "rollout").length === 0)
    return [
      whole("never-fails", "no metric and no rollout hook: nothing but the pods' readiness can stop the release"),
    ];
  const outlooks = checkOutlooks(settings, around);
  return forms.flatMap((form, index) => {
    const outlook = outlooks[index];
    return outlook === undefined ? [] : formWarnings(form, outlook, around.assumed);
  });
}

function formWarnings(form: Form, outlook: CheckOutlook, { scrapeIntervalMs }: RoadAssumptions): RoadWarning[] {
  const { name, windowMs, requestCount, weight, badToFail: bad } = outlook;
  const warn = (kind: RoadWarning["kind"], text: string): RoadWarning => ({ kind, metric: name, text });
  if (cannotFail(form)) return [warn("never-fails", `it allows ${cannotFailText(form)}: no value fails it`)];
  const window = formatDuration(windowMs);
  if (windowMs < 2 * scrapeIntervalMs)
    return [
      warn(
        "never-decides",
        `its window of ${window} holds fewer than two scrapes at ${formatDuration(scrapeIntervalMs)}: rates over it are empty, and an empty value counts as a failed check`,
      ),
    ];
  if (form.part !== "builtin" || requestCount === undefined) return [];
  if (requestCount < 1)
    return [
      warn(
        "never-decides",
        `the canary gets about ${Number(requestCount.toFixed(2))} requests in ${window} at ${weight}%: most checks have no value and count as failed`,
      ),
    ];
  return bad === 1
    ? [
        warn(
          "noisy",
          `one bad request among about ${Math.round(requestCount)} in ${window} fails it, on a good version too`,
        ),
      ]
    : [];
}

/** A share of requests is between 0 and 100, a duration not below 0; of any other value nothing is known. */
function cannotFail(form: Form): boolean {
  const { metric, part } = form;
  const { min, max } = allowedRange(form);
  if (part !== "builtin") return min === undefined && max === undefined;
  const isShare = metric.name === SUCCESS_RATE;
  return (min ?? 0) <= 0 && (max === undefined || (isShare && max >= 100));
}

function cannotFailText(form: Form): string {
  return form.metric.name === SUCCESS_RATE && form.part === "builtin" ? "every success rate" : "every value";
}

function whole(kind: RoadWarning["kind"], text: string): RoadWarning {
  return { kind, metric: "", text };
}

function windowOf({ interval }: CanaryMetric): number {
  const parsed = parseDuration(interval ?? "");
  return parsed.ok && parsed.value > 0 ? parsed.value : DEFAULT_WINDOW_MS;
}

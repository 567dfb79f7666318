import { type CopyLoad, needFor, planWayBack, type WayBackStage } from "./plan-capacity.ts";
import type { RoadAssumptions, RoadCopy, RoadLoad } from "./road-load.ts";
import { type CheckOutlook, checkOutlooks, type RoadWarning, thresholdWarnings } from "./road-checks.ts";
import { type Forecast, forecastSequential, sequentialWarnings } from "./road-evidence.ts";
import type { RolloutSettings } from "./settings.ts";
import type { Strategy } from "./strategy.ts";
import { nextPromotionWeight, nextWeight } from "./weights.ts";

/**
 * The road of a release before it starts: its steps, the pods of both copies on each, what its checks can find out with
 * the traffic that there is, and the way back.
 */
export interface Road {
  readonly method: "threshold" | "sequential";
  readonly strategy: Strategy["kind"];
  readonly steps: readonly RoadStep[];
  /** From the first pod asked for to the promotion, if nothing holds it up; pods' starts come on top. Undefined when it never comes. */
  readonly durationMs: number | undefined;
  readonly checks: readonly CheckOutlook[];
  /** Of a sequential analysis: what it can find out. */
  readonly forecast?: Forecast;
  /** From the highest weight, with the pods that the primary has there. */
  readonly wayBack: readonly WayBackStage[];
  readonly warnings: readonly RoadWarning[];
}

export interface RoadStep {
  /** From the start of the run; undefined when it is not reached within the time that it has. */
  readonly atMs: number | undefined;
  readonly kind: "scale-up" | "mirror" | "weight" | "check" | "promote" | "shift" | "done";
  /** Share of the requests that the canary gets, in percent; of those that match in an A/B test. */
  readonly weight: number;
  readonly pods: { readonly primary: number | undefined; readonly canary: number | undefined };
}

/** Longest wait for requests in flight after the last shift. Source: flagger-spec 2.7; `situation.ts`. */
const MAX_DRAIN_MS = 10_000;
/** A spec may ask for more steps than anybody reads. */
const MAX_STEP_COUNT = 250;

export function planRoad(
  of: { readonly settings: RolloutSettings; readonly load: RoadLoad },
  assumed: RoadAssumptions,
): Road {
  const { settings, load } = of;
  const method = settings.sequential === undefined ? "threshold" : "sequential";
  const weights = roadWeights(settings);
  const isForecast =
    settings.sequential !== undefined && settings.strategy.kind === "weights" && !settings.skipsAnalysis;
  const forecast = isForecast ? forecastSequential(settings.sequential, { ...of, weights }, assumed) : undefined;
  const moves = settings.skipsAnalysis ? [] : analysisMoves(settings, forecast);
  const steps = [start(), ...moves, ...promotionMoves(settings, moves)].slice(0, MAX_STEP_COUNT);
  const placed = steps.map((step, index): RoadStep => {
    const shares = [step, steps[index + 1] ?? step].map((move) => canaryShare(move, settings));
    return { ...step, pods: podsAt(step, Math.max(...shares), { settings, load }) };
  });
  const top = placed.reduce(
    (highest, step) => (step.weight > highest.weight ? step : highest),
    placed[0] ?? placedStart,
  );
  const checks = checkOutlooks(settings, { load, weights, assumed });
  return {
    method,
    strategy: settings.strategy.kind,
    steps: placed,
    durationMs: placed.at(-1)?.atMs,
    checks,
    ...(forecast === undefined ? {} : { forecast }),
    wayBack: wayBackFrom(top, load),
    warnings: [
      ...(method === "threshold" ? thresholdWarnings(settings, { load, weights, assumed }) : []),
      ...(forecast === undefined ? [] : sequentialWarnings(forecast, load)),
    ],
  };
}

type Move = Omit<RoadStep, "pods">;

const placedStart: RoadStep = { atMs: 0, kind: "scale-up", weight: 0, pods: { primary: undefined, canary: undefined } };

function start(): Move {
  return { atMs: 0, kind: "scale-up", weight: 0 };
}

/** The weights on the way, ascending; of strategies without weights the one at which their checks are made. */
function roadWeights({ strategy, hasRoutes }: Pick<RolloutSettings, "strategy" | "hasRoutes">): readonly number[] {
  if (strategy.kind !== "weights") return [strategy.kind === "ab-testing" || hasRoutes ? 100 : 0];
  const weights: number[] = [];
  for (let weight = 0; weight < strategy.maxWeight && weights.length < MAX_STEP_COUNT; ) {
    weight = nextWeight(strategy.steps, weight);
    weights.push(weight);
  }
  return weights;
}

/**
 * The steps of an analysis that holds nowhere. The first check is made an interval after the start and needs no traffic, each
 * other one an interval after the step before. A sequential analysis takes as long at each weight as its evidence does.
 */
function analysisMoves(settings: RolloutSettings, forecast: Forecast | undefined): Move[] {
  const { strategy, intervalMs } = settings;
  const ticks = movesOf(settings);
  const timed = ticks.map((move, index): Move => ({ ...move, atMs: (index + 1) * intervalMs }));
  if (forecast === undefined || strategy.kind !== "weights") return timed;
  const byWeight = new Map(forecast.arrivals.map(({ weight, atMs }) => [weight, atMs]));
  return timed.map((move) => ({
    ...move,
    atMs:
      move.kind === "promote" ? forecast.promotedAtMs : move.kind === "mirror" ? intervalMs : byWeight.get(move.weight),
  }));
}

function movesOf({ strategy, hasRoutes }: RolloutSettings): Omit<Move, "atMs">[] {
  const checks = (count: number, weight: number): Omit<Move, "atMs">[] =>
    Array.from({ length: Math.min(count, MAX_STEP_COUNT) }, () => ({ kind: "check", weight }));
  switch (strategy.kind) {
    case "weights": {
      const weights = roadWeights({ strategy, hasRoutes });
      const mirror = strategy.isMirrored ? [{ kind: "mirror", weight: 0 } as const] : [];
      const top = weights.at(-1) ?? 0;
      return [
        ...mirror,
        ...weights.map((weight) => ({ kind: "weight", weight }) as const),
        { kind: "promote", weight: top },
      ];
    }
    case "blue-green": {
      const top = hasRoutes ? 100 : 0;
      const cutover = { kind: hasRoutes ? "weight" : "check", weight: top } as const;
      return [...checks(strategy.iterationCount, 0), cutover, { kind: "promote", weight: top }];
    }
    case "ab-testing":
      return [...checks(strategy.iterationCount, 100), { kind: "promote", weight: 100 }];
  }
}

/** From the promotion on: the traffic goes back to the primary, at once or in steps, and requests in flight end. */
function promotionMoves({ intervalMs, promotionStep, hasRoutes }: RolloutSettings, moves: readonly Move[]): Move[] {
  const last = moves.at(-1);
  let atMs = last === undefined ? 0 : last.atMs;
  const later = (ms: number): number | undefined => (atMs === undefined ? undefined : atMs + ms);
  const shifts: Move[] = [];
  let weight = hasRoutes ? (last?.weight ?? 0) : 0;
  while (promotionStep > 0 && weight > promotionStep && shifts.length < MAX_STEP_COUNT) {
    weight = nextPromotionWeight(promotionStep, weight);
    atMs = later(intervalMs);
    shifts.push({ atMs, kind: "shift", weight });
  }
  const isStepped = promotionStep > 0 && weight > 0;
  const doneMs = later((isStepped ? intervalMs : 0) + Math.min(intervalMs, MAX_DRAIN_MS));
  return [...shifts, { atMs: doneMs, kind: "done", weight: 0 }];
}

/** Share of all requests that the canary gets at a step, copies of requests included; in percent. */
function canaryShare({ kind, weight }: Move, { strategy }: RolloutSettings): number {
  const isCopied = kind === "mirror" || (kind === "check" && strategy.kind === "blue-green" && strategy.isMirrored);
  return isCopied ? 100 : weight;
}

/**
 * Pods of both copies at a step, as floors hold them: of the canary for this step and the next, of the primary for its share
 * and the way back, and from the promotion on for all of the traffic. Never fewer than there are without an autoscaler.
 */
function podsAt(
  { kind, weight }: Move,
  canaryShare: number,
  { settings, load }: { readonly settings: RolloutSettings; readonly load: RoadLoad },
): RoadStep["pods"] {
  const { primary, canary, podsForAll } = load;
  const isDone = kind === "done";
  const isPlanned = settings.capacity.coupling === "enforce" && settings.hasRoutes && podsForAll !== undefined;
  if (!isPlanned || settings.strategy.kind === "ab-testing")
    return { primary: primary?.count, canary: isDone ? 0 : canary?.count };
  // A size that somebody chose has its headroom in it.
  const headroomPercent = load.isSize === true ? 0 : settings.capacity.headroomPercent;
  const margins = { headroomPercent, quotaPodCount: undefined };
  const wanted = needFor(canaryShare, loadOf(canary, podsForAll), margins);
  const isPromoting = kind === "promote" || kind === "shift" || isDone;
  const kept = needFor(isPromoting ? 100 : 100 - weight, loadOf(primary, podsForAll), margins);
  const reserve = needFor(settings.capacity.reservePercent, loadOf(primary, podsForAll), {
    ...margins,
    headroomPercent: 0,
  });
  return {
    canary: isDone ? 0 : Math.max(wanted.count, canary?.count ?? 0),
    primary:
      primary?.scaler === undefined ? primary?.count : Math.max(kept.count, reserve.count, primary.scaler.minCount),
  };
}

function loadOf(copy: RoadCopy | undefined, podsForAll: number): CopyLoad {
  const { scaler, count = 0 } = copy ?? {};
  return {
    podsForAll,
    podCount: count,
    readyCount: count,
    minCount: scaler?.minCount ?? 0,
    max: scaler === undefined ? undefined : { count: scaler.maxCount, source: scaler.name },
    protectedCount: 0,
  };
}

function wayBackFrom({ pods }: RoadStep, { podsForAll, primary, podStartMs }: RoadLoad): readonly WayBackStage[] {
  if (podsForAll === undefined || pods.primary === undefined) return [];
  return planWayBack({ ...loadOf(primary, podsForAll), readyCount: pods.primary }, podStartMs);
}

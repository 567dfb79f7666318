import type { LearnedCapacity } from "#api";
import type { CapacityPlan } from "./capacity-plan.ts";
import { learnedRequestsPerPod } from "./learn-capacity.ts";
import type { CopyCapacity, WorkloadObservation } from "./observation.ts";
import { type CopyLoad, isCovered, type Need, needFor, planWayBack, servablePercent } from "./plan-capacity.ts";
import { isAnalysing, nextShare, type Situation } from "./situation.ts";
import { CAPACITY_READY, conditionOf } from "./status.ts";

/**
 * Adds the plan to a situation. A step that waited for pods is due as soon as they are ready: its checks are made then, not
 * an interval later.
 */
export function withCapacity(situation: Situation): Situation {
  const s = { ...situation, capacity: planOf(situation) };
  const planned = {
    ...s,
    targetReadiness: servesItsLoad(s, "canary") ? READY : s.targetReadiness,
    primaryReadiness: servesItsLoad(s, "primary") ? READY : s.primaryReadiness,
  };
  const isBack =
    isAnalysing(s) && conditionOf(s.status, CAPACITY_READY)?.status === "False" && hasCapacityForStep(planned);
  return isBack ? { ...planned, isDue: true } : planned;
}

const READY = { kind: "ready" } as const;

/**
 * Whether a copy has the pods that its load needs, though not all that an autoscaler asks for now: the pods to come are
 * none that its checks have to wait for, and their delay is no failure of the version. What the next step needs is waited
 * for behind the checks; a canary without traffic starts with all of it. Source: keda-hpa-spec 20, 34.
 */
function servesItsLoad(s: Situation, copy: "primary" | "canary"): boolean {
  const plan = measuredPlan(s);
  const workload = copy === "canary" ? s.target : s.primary;
  if (plan === undefined || workload?.kind !== "Deployment" || workload.desiredCount === 0) return false;
  const isSettled =
    workload.observedGeneration >= workload.generation && workload.updatedCount >= workload.replicaCount;
  const ofCanary = s.weight > 0 ? plan.canaryNow : plan.canaryNext;
  const need = copy === "canary" ? ofCanary : isAnalysing(s) ? plan.primaryNow : plan.all;
  return isSettled && isCovered({ ...need, count: Math.max(1, need.count) }, plan[copy].readyCount);
}

/** How long an autoscaler takes to act on a higher bound. Source: keda-hpa-spec 18.1, sync period 15 s. */
const AUTOSCALER_MS = 15_000;

/** Plans the capacity of a situation; undefined when it is not coupled, or nothing can be said. */
export function planOf(s: Situation): CapacityPlan | undefined {
  const { settings, observation, primary, target } = s;
  const { capacity } = settings;
  if (capacity.coupling === "off" || !settings.hasRoutes || target.kind === "Service" || primary === undefined)
    return undefined;
  const demand = demandOf(s, primary);
  if (demand === undefined) return undefined;
  // A size that somebody chose has its headroom in it.
  const headroomPercent = demand.method === "size" ? 0 : capacity.headroomPercent;
  const margins = { headroomPercent, quotaPodCount: observation.capacity.quotaPodCount };
  const isSized = demand.method === "size";
  const loads = {
    primary: loadOf(primary, observation.capacity.primary, {
      podsForAll: demand.podsForPrimary,
      sizeCount: isSized ? primary.desiredCount : undefined,
    }),
    canary: loadOf(target, observation.capacity.canary, {
      podsForAll: demand.podsForCanary,
      sizeCount: isSized ? Math.max(primary.desiredCount, target.desiredCount) : undefined,
    }),
  };
  const share = canaryShare(s);
  const all = needFor(100, loads.primary, margins);
  const { podStartMs, scaler } = observation.capacity.primary;
  const reactionMs = scaler === undefined || primary.desiredCount >= all.bareCount ? 0 : AUTOSCALER_MS;
  return {
    method: demand.method,
    requestsPerSecond: demand.requestsPerSecond,
    podsForAll: demand.podsForPrimary,
    margins,
    ...loads,
    primaryNow: needFor(100 - share, loads.primary, margins),
    // What is kept for the way back serves for minutes at most; it needs no headroom on top.
    reserve: needFor(capacity.reservePercent, loads.primary, { ...margins, headroomPercent: 0 }),
    all,
    canaryNow: needFor(share, loads.canary, margins),
    canaryNext: needFor(Math.max(share, isAnalysing(s) ? nextShare(s) : 0), loads.canary, margins),
    wayBack: planWayBack(loads.primary, podStartMs === undefined ? undefined : podStartMs + reactionMs),
  };
}

/** Whether steps wait for capacity. */
export function isCoupled(s: Situation): boolean {
  return s.settings.capacity.coupling === "enforce" && s.capacity !== undefined;
}

/** The plan of what is waited for, where something measures the load. */
function measuredPlan(s: Situation): CapacityPlan | undefined {
  return isCoupled(s) && s.capacity?.method !== "size" ? s.capacity : undefined;
}

/** Whether the canary has the ready pods that the next step needs; what nothing is known of holds nothing up. */
export function hasCapacityForStep(s: Situation): boolean {
  if (s.capacity === undefined) return true;
  const { canaryNext, canary } = s.capacity;
  return isCovered(tolerated(canaryNext, s, s.settings.canaryReadyPercent), canary.readyCount);
}

/** Without a measure of the load, the share of the pods that the user calls ready is enough. */
function tolerated(need: Need, { capacity }: Situation, readyPercent: number): Need {
  if (capacity?.method !== "size") return need;
  const part = (count: number): number => Math.min(count, Math.max(1, Math.ceil((count * readyPercent) / 100)));
  return { ...need, count: part(need.count), bareCount: part(need.bareCount) };
}

/** The canary's weight after a step back to the primary: no further than the primary's ready pods can serve. */
export function coveredPromotionWeight(s: Situation, wantedWeight: number): number {
  const { capacity: plan } = s;
  if (!isCoupled(s) || plan === undefined || s.target.readyCount === 0) return wantedWeight;
  const need = needFor(100 - wantedWeight, plan.primary, plan.margins);
  if (isCovered(tolerated(need, s, s.settings.primaryReadyPercent), plan.primary.readyCount)) return wantedWeight;
  const canTake = servablePercent(plan.primary.readyCount, plan.primary.podsForAll, plan.margins.headroomPercent);
  return Math.min(s.weight, Math.max(wantedWeight, 100 - canTake));
}

/**
 * The weight that stays on the canary when a release is rolled back: what the primary's ready pods cannot serve at once.
 * 0 when nothing measures the load: then nobody can tell that it is too much.
 */
export function returnWeight(s: Situation): number {
  const plan = measuredPlan(s);
  if (plan === undefined || s.target.readyCount === 0 || s.settings.strategy.kind === "ab-testing") return 0;
  const weight = Math.min(s.weight, s.observation.routes?.canaryWeight ?? s.weight);
  return Math.min(weight, 100 - servablePercent(plan.primary.readyCount, plan.primary.podsForAll, 0));
}

/**
 * The weight that a healthy canary gets when its promotion failed: everything, but no more than its ready pods serve while the
 * primary has ready pods for what it has now.
 */
export function refugeWeight(s: Situation): number {
  const plan = measuredPlan(s);
  if (plan === undefined || s.settings.strategy.kind === "ab-testing") return 100;
  // Without headroom: what is there already serves.
  if (plan.primary.readyCount < plan.primaryNow.bareCount) return 100;
  return Math.max(s.weight, servablePercent(plan.canary.readyCount, plan.canary.podsForAll, 0));
}

/** The hash of the version that the primary runs, or is on its way to run. */
export function primaryRevision({ status }: Pick<Situation, "status">): string | undefined {
  const isNew = status.phase === "Promoting" || status.phase === "Finalising";
  return isNew ? status.lastAppliedSpec : status.lastPromotedSpec;
}

interface Demand {
  readonly method: CapacityPlan["method"];
  readonly requestsPerSecond: number | undefined;
  readonly podsForPrimary: number;
  readonly podsForCanary: number;
}

/**
 * Pods that all of the traffic needs, by the best that is known: what the user says a pod serves; else the larger of what
 * was learned of the versions and what the autoscalers' own metrics ask for now; else the size that the user gave it.
 */
function demandOf(s: Situation, primary: WorkloadObservation): Demand | undefined {
  const known = s.status.capacity;
  const requestsPerSecond = measuredRate(s) ?? known?.requestsPerSecond;
  const { requestsPerPod } = s.settings.capacity;
  if (requestsPerPod !== undefined && requestsPerSecond !== undefined) {
    const pods = requestsPerSecond / requestsPerPod;
    return { method: "declared", requestsPerSecond, podsForPrimary: pods, podsForCanary: pods };
  }
  const learned = learnedDemand(s, requestsPerSecond, known?.learned ?? []);
  const asked = askedByAutoscalers(s);
  if (learned === undefined && asked === undefined) {
    // An outage of the autoscaler's metrics does not make the load go away: what was known last still holds.
    const isScaled = s.observation.capacity.primary.scaler !== undefined;
    const pods = Math.max(primary.desiredCount, isScaled ? (known?.podsForAll ?? 0) : 0);
    if (pods === 0) return undefined;
    return { method: "size", requestsPerSecond, podsForPrimary: pods, podsForCanary: pods };
  }
  return {
    method: learned === undefined ? "autoscaler" : "learned",
    requestsPerSecond,
    podsForPrimary: larger(asked, learned?.primary),
    podsForCanary: larger(asked, learned?.canary),
  };
}

/** How much more than what the autoscalers see now is believed of what was learned before. */
const LEARNED_MAX = 1.5;

function larger(asked: number | undefined, learned: number | undefined): number {
  if (asked === undefined || learned === undefined) return asked ?? learned ?? 0;
  return Math.max(asked, Math.min(learned, LEARNED_MAX * asked));
}

/** Requests per second of both copies in the answers of this tick. */
function measuredRate({ observation }: Situation): number | undefined {
  const answer = observation.answers.get("served");
  if (answer?.kind !== "served" || answer.share === undefined) return undefined;
  return answer.share.requestCount / (answer.share.windowMs / 1000);
}

function learnedDemand(
  s: Situation,
  requestsPerSecond: number | undefined,
  learned: readonly LearnedCapacity[],
): { readonly primary: number; readonly canary: number } | undefined {
  if (requestsPerSecond === undefined) return undefined;
  const ofPrimary = learnedRequestsPerPod(learned, primaryRevision(s));
  const ofCanary = learnedRequestsPerPod(learned, s.status.lastAppliedSpec);
  const primary = ofPrimary ?? ofCanary;
  const canary = ofCanary ?? ofPrimary;
  if (primary === undefined || canary === undefined) return undefined;
  return { primary: requestsPerSecond / primary, canary: requestsPerSecond / canary };
}

/** Least share of the traffic from which the need of all of it may be reckoned. */
const MIN_SHARE_PERCENT = 20;

/** Pods for all of the traffic, as the autoscalers of both copies ask for theirs. */
function askedByAutoscalers(s: Situation): number | undefined {
  const { primary, canary } = s.observation.capacity;
  const share = canaryShare(s);
  const ofPrimary = primary.scaler?.podsForLoad;
  const ofCanary = canary.scaler?.podsForLoad;
  // Metrics lag behind routes: a canary that has just lost its traffic still shows what the primary is about to get.
  if (share === 0) return ofPrimary === undefined ? undefined : ofPrimary + (ofCanary ?? 0);
  if (ofPrimary !== undefined && ofCanary !== undefined) return ofPrimary + ofCanary;
  if (ofPrimary !== undefined && 100 - share >= MIN_SHARE_PERCENT) return (ofPrimary * 100) / (100 - share);
  return ofCanary !== undefined && share >= MIN_SHARE_PERCENT ? (ofCanary * 100) / share : undefined;
}

/** The canary's share of all traffic, in percent. That of an A/B test is known only when it was measured. */
function canaryShare(s: Situation): number {
  if (s.settings.strategy.kind !== "ab-testing") return s.weight;
  return s.weight === 0 ? 0 : Math.max(1, s.status.servedWeight ?? 1);
}

function loadOf(
  workload: WorkloadObservation,
  copy: CopyCapacity,
  { podsForAll, sizeCount }: { podsForAll: number; sizeCount: number | undefined },
): CopyLoad {
  const { scaler, servingCount, protectedCount } = copy;
  const max =
    scaler !== undefined
      ? { count: scaler.maxCount, source: scaler.name }
      : sizeCount === undefined
        ? undefined
        : { count: sizeCount, source: `the size of ${workload.name}` };
  return {
    podsForAll,
    podCount: workload.replicaCount,
    readyCount: Math.min(workload.readyCount, servingCount ?? workload.readyCount),
    minCount: scaler?.minCount ?? 0,
    max,
    protectedCount,
  };
}

export { decide, labels, MAX_ROUNDS } from "./decide.ts";
export type {
  AffinityCookies,
  CheckFact,
  Command,
  Decision,
  Evidence,
  EvidenceFact,
  EventType,
  Explanation,
  Label,
} from "./decision.ts";
export { FINALIZER } from "./finalizer.ts";
export {
  type Intent,
  type IntentAction,
  intentActions,
  INTENT_ANNOTATION,
  type Pause,
  PAUSE_ANNOTATION,
  readIntent,
  readPause,
} from "./intent.ts";
export { judgeMetric, partsOf, REQUEST_DURATION, SUCCESS_RATE } from "./judge-metric.ts";
export { namesOf, type RolloutNames } from "./names.ts";
export type * from "./observation.ts";
export { planRoad, type Road, type RoadStep } from "./plan-road.ts";
export type { RoadAssumptions, RoadCopy, RoadLoad } from "./road-load.ts";
export type { CheckOutlook, RoadWarning } from "./road-checks.ts";
export type { Detection, Forecast } from "./road-evidence.ts";
export {
  type CapacityRecord,
  type CopyRecord,
  type DecisionRecord,
  type Deed,
  recordOf,
  type Stand,
} from "./record.ts";
export { judgeReadiness, type Readiness, type ReadinessRule } from "./readiness.ts";
export { hooksOf, type RolloutSettings, readSettings, type SettingsLimits } from "./settings.ts";
export type { Strategy } from "./strategy.ts";
export {
  ACCEPTED,
  completeStatus,
  conditionOf,
  formatTime,
  isForeignHash,
  isTold,
  parseTime,
  STALLED,
  withCondition,
  withoutCondition,
} from "./status.ts";
export { formatWayBack, type WayBackStage } from "./plan-capacity.ts";
export { nextPromotionWeight, nextWeight, type WeightSteps } from "./weights.ts";

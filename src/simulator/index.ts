export {
  argo,
  argoSettings,
  flagger,
  FLAGGER_DEFAULT,
  FLAGGER_STRICT,
  FLAGGER_TUNED,
  type Judge,
  kayenta,
  KAYENTA_50,
  KAYENTA_FAST,
  type Verdict,
  zTest,
} from "./peers/index.ts";
export { FLAGGER_ANALYSIS, plainCanary } from "./plain-canary.ts";
export { type Panel, plotSvg } from "./plot-svg.ts";
export {
  type Encounter,
  type NamedFault,
  type Progress,
  type Rehearsal,
  type RehearsalPlan,
  type RehearsedCase,
  rehearse,
  type SimulableCanary,
  simulableCanary,
} from "./rehearsal/index.ts";
export { DecideJudge, type DecideOptions, type Environment, type TimeSpan } from "./release/index.ts";
export {
  type CounterWindow,
  decodeRecording,
  findReleases,
  type FoundReleases,
  type PastRelease,
  type PodCounters,
  type RecordedTick,
  type Replay,
  type ReplayedDecision,
  type ReleaseWindow,
  replayRelease,
  splitPods,
} from "./replay/index.ts";
export type { AppModel, AutoscalerModel, Outcome, Sample, Scenario } from "./scenario.ts";
export { simulate } from "./simulate.ts";
export {
  drawHistory,
  type Fault,
  type FaultKind,
  type Load,
  NO_HISTORY,
  randomStream,
  type Noise,
  type PrimaryHistory,
  type TrafficPlan,
} from "./traffic/index.ts";
export {
  limitsOf,
  quantile,
  runTrial,
  type Spread,
  type Tally,
  tallyTrials,
  type Trial,
  TRIAL_HORIZON_MS,
  TRIAL_STEP_MS,
} from "./trials/index.ts";

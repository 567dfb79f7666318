export { addArms, type ArmCounts, type Arms, readCounts, servedShare } from "./arms.ts";
export { logArrivalsDiffer } from "./arrivals.ts";
export {
  ASYMPTOTIC_COUNT_MIN,
  asymptoticInterval,
  asymptoticMargin,
  asymptoticRadius,
  asymptoticRhoSquared,
} from "./asymptotic-interval.ts";
export { type BetaPrior, logShareDiffers, logShareExceeds, logShareFallsBelow, type Trials } from "./beta-binomial.ts";
export { type BetterQuestion, logBetter } from "./better-evidence.ts";
export { type BettingState, NO_BETS, updateBetting } from "./betting.ts";
export { clopperPearson } from "./clopper-pearson.ts";
export {
  type CombinedEvidence,
  combineEvidence,
  evidenceLevel,
  evidencePValue,
  metricWeights,
  type WeighedEvidence,
} from "./combine.ts";
export {
  type CountEvidence,
  type CountPlan,
  type CountTick,
  ERROR_MULTIPLES,
  errorPlan,
  startCountEvidence,
  startStep,
  updateCountEvidence,
  worseEvidence,
} from "./count-evidence.ts";
export {
  type CountExplanation,
  type CountSummary,
  explainCounts,
  startCountSummary,
  updateCountSummary,
} from "./count-summary.ts";
export type { CounterFault } from "./counter-fault.ts";
export type { ArmName, CounterReading, CounterSeries } from "./counter-series.ts";
export {
  COUNTER_DEFAULTS,
  type CounterObservation,
  type CounterOutcome,
  type CounterPlan,
  type CounterState,
  type CounterStep,
  NO_COUNTERS,
  observeCounters,
  type SourceCounts,
} from "./counter-tracker.ts";
export type { Interval } from "./difference-interval.ts";
export {
  addChiSquare,
  type ChiSquare,
  dispersionOf,
  NO_CHI_SQUARE,
  type DispersionState,
  estimateDispersion,
  pairChiSquare,
  type PodCounts,
  podChiSquare,
  scaleDispersion,
  startDispersion,
  UNKNOWN_DISPERSION,
  updateDispersion,
} from "./dispersion.ts";
export { EXCESS_FRACTIONS, nonInferiorityEvidence, upperExcess } from "./excess-bound.ts";
export {
  addHistograms,
  displayQuantile,
  type HistogramFault,
  type LatencyHistogram,
  readHistogram,
} from "./histogram.ts";
export type { LinearEvidence } from "./linear-evidence.ts";
export { judgeAsKayenta, type KayentaVerdict } from "./kayenta-judge.ts";
export {
  allowedExcess,
  FINAL_ERRORS,
  FINAL_LATENCY,
  type FinalMargin,
  finalMargin,
  STAKE_ERRORS,
  STAKE_LATENCY,
  type Stake,
  startShare,
} from "./ladder.ts";
export {
  type LatencyEvidence,
  type LatencyTick,
  meanEvidence,
  startLatencyEvidence,
  startLatencyStep,
  updateLatencyEvidence,
} from "./latency-evidence.ts";
export { type LatencyBoundPlan, type LatencySettings, planLatency, SLOWER_DEFAULT } from "./latency-plan.ts";
export { type Margin, TOLERATED_ERRORS, UNACCEPTABLE_ERROR_RATIO } from "./margin.ts";
export { logSharesDiffer, type Outcome } from "./multinomial.ts";
export { logObjectiveBroken, logObjectiveKept, type ObjectiveQuestion } from "./objective-evidence.ts";
export { detectableExcess, detectionNats, detectionPower, type DetectionQuestion, requestsToDetect } from "./power.ts";
export { bestBetterPrice, bestWorsePrice, type EvidencePrice, type Outlook } from "./price-list.ts";
export { bandRadius } from "./quantile-band.ts";
export { quantileInterval } from "./quantile-interval.ts";
export { ratioInterval } from "./ratio-interval.ts";
export { readCounterState } from "./read-counters.ts";
export { readCountEvidence, readCountSummary, readLatencyEvidence, readSampleRatio } from "./read-evidence.ts";
export { requestsUntilBound, requestsUntilRollback, ticksFor } from "./remaining.ts";
export {
  closeSampleRatio,
  NO_SAMPLES,
  SAMPLE_RATIO_LEVEL,
  sampleRatioEvidence,
  type SampleRatioState,
  updateSampleRatio,
} from "./sample-ratio.ts";
export {
  type BlockState,
  chooseBlockTicks,
  NO_BLOCK,
  scalarDifference,
  type ScalarPair,
  type ScalarPlan,
  updateBlock,
} from "./scalar-blocks.ts";
export { shareInterval } from "./share-interval.ts";
export { signEvidence } from "./sign-evidence.ts";
export { NO_RANKS, readSignedRank, signedRankEvidence, type SignedRankState, updateSignedRank } from "./signed-rank.ts";
export { logTMixture, tMixtureMaxNats, tRadius, type TStatistic } from "./t-mixture.ts";
export { logTable, type RateBet } from "./table-evidence.ts";
export {
  countsForBound,
  ERROR_WIDENING,
  LATENCY_WIDENING,
  warmUpEnvelope,
  type Widening,
  widenMargin,
} from "./warm-up.ts";
export { logWorse, type WorseQuestion } from "./worse-evidence.ts";

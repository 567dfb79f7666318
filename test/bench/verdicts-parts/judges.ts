import type { CanaryAnalysis, SequentialAnalysis } from "#api";
import {
  argo,
  argoSettings,
  DecideJudge,
  flagger,
  FLAGGER_ANALYSIS,
  FLAGGER_DEFAULT,
  FLAGGER_STRICT,
  FLAGGER_TUNED,
  type Judge,
  kayenta,
  KAYENTA_50,
  KAYENTA_FAST,
  plainCanary,
  type PrimaryHistory,
  TRIAL_STEP_MS,
  zTest,
} from "#simulator";
import { startShare } from "#stats";

/** What a judge is made from for one run. */
export interface RunContext {
  readonly seed: number;
  readonly history: PrimaryHistory;
}

export type JudgeFactory = (context: RunContext) => Judge;

export type PeerName = "flagger" | "tuned" | "strict" | "argo0" | "argo3" | "z" | "kayentaFast" | "kayenta50";

/** Judges that the field uses, by name. Source: statistics reference 5.1. */
export const peers: Readonly<Record<PeerName, JudgeFactory>> = {
  flagger: () => flagger(FLAGGER_DEFAULT),
  tuned: () => flagger(FLAGGER_TUNED),
  strict: () => flagger(FLAGGER_STRICT),
  argo0: () => argo(argoSettings(0)),
  argo3: () => argo(argoSettings(3)),
  z: () => zTest(),
  kayentaFast: () => kayenta(KAYENTA_FAST),
  kayenta50: () => kayenta(KAYENTA_50),
};

/** Source: statistics reference 2.12. */
const LADDER = [1, 2, 5, 10, 25, 50];
const FLAGGERS_LADDER = [10, 20, 30, 40, 50];

/**
 * Serin's sequential analysis with its defaults, on a ladder that begins where the service's traffic is enough to tell something
 * (its documentation and its events advise that), half a minute a step at least. `alphaPercent`: the chance of a false rollback.
 */
export function ours(requestsPerSecond: number, alphaPercent = 1): JudgeFactory {
  const start = Math.round(100 * startShare(requestsPerSecond));
  const stepWeights = [start, ...LADDER.filter((weight) => weight > start)];
  return judgeWith({ interval: "30s", stepWeights }, { confidence: { falseRollbackPercent: alphaPercent } });
}

/** The same on Flagger's ladder, a minute a step: what the statistics alone make of it. */
export const oursOnFlaggersLadder: JudgeFactory = judgeWith({ interval: "60s", stepWeights: FLAGGERS_LADDER });

/** The warm-up is as long as that of the benchmark's family. Source: statistics reference 5.1. */
function judgeWith(analysis: CanaryAnalysis, sequential: SequentialAnalysis = {}): JudgeFactory {
  return judgeOf({
    ...analysis,
    method: "sequential",
    sequential: { warmup: "40s", ...sequential },
    metrics: [{ name: "request-success-rate" }, { name: "request-duration" }],
  });
}

/** Flagger's rules as Serin keeps them: the real decide with method threshold. */
export const threshold: JudgeFactory = judgeOf(FLAGGER_ANALYSIS);

function judgeOf(analysis: CanaryAnalysis): JudgeFactory {
  const canary = plainCanary(analysis);
  return ({ seed, history }) => new DecideJudge({ canary, history, environment: {}, seed, stepMs: TRIAL_STEP_MS });
}

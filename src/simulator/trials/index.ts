export { runTrial, type Trial, type TrialOptions, TRIAL_HORIZON_MS, TRIAL_STEP_MS } from "./run-trial.ts";
export { limitsOf, quantile, type Spread, type Tally, tallyTrials } from "./tally.ts";

import type { Canary } from "#api";
import type { Judge, Verdict } from "../peers/index.ts";
import type { PrimaryHistory, ServiceStep } from "../traffic/index.ts";
import { answerQuestion } from "./answer-question.ts";
import type { Environment } from "./environment.ts";
import { ReleaseModel } from "./release-model.ts";
import { StepLog } from "./step-log.ts";

export interface DecideOptions {
  /** With built-in metrics alone, and without hooks. */
  readonly canary: Canary;
  readonly history: PrimaryHistory;
  readonly environment: Environment;
  readonly seed: number;
  readonly stepMs: number;
}

/** Serin as a judge: the real `decide`, fed with the counts of simulated traffic. */
export class DecideJudge implements Judge {
  readonly release: ReleaseModel;
  readonly #log: StepLog;
  #endMs = 0;

  constructor({ canary, history, environment, seed, stepMs }: DecideOptions) {
    const log = new StepLog(stepMs);
    this.#log = log;
    this.release = new ReleaseModel({
      canary,
      environment,
      seed,
      stepMs,
      answer: (question, moment) => answerQuestion(question, { moment, log, history }),
    });
  }

  get weightPercent(): number {
    return this.release.servedPercent(this.#endMs);
  }

  /** A release is rolled back when no proxy sends its canary anything any more. */
  get verdict(): Verdict {
    const { verdict } = this.release;
    return verdict === "rolled-back" && this.weightPercent > 0 ? "running" : verdict;
  }

  after(step: ServiceStep, endMs: number): this {
    this.#log.add(step);
    this.#endMs = endMs;
    this.release.lookUntilQuiet(endMs);
    return this;
  }
}

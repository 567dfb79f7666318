import type { Canary, CanaryStatus } from "#api";
import { assert, Bug, type Random } from "#base";
import {
  type Answer,
  completeStatus,
  type Decision,
  decide,
  MAX_ROUNDS,
  type Question,
  readSettings,
  REQUEST_DURATION,
  SUCCESS_RATE,
} from "#rollout";
import type { Verdict } from "../peers/index.ts";
import { randomStream } from "../traffic/index.ts";
import { type Environment, isWithin } from "./environment.ts";
import type { Moment } from "./moment.ts";
import { ReleaseCluster } from "./release-cluster.ts";

/** Where the model's clock starts; any time would do. */
const START_MS = Date.UTC(2026, 0, 1, 12);
const LONG_AGO_MS = START_MS - 3_600_000;
const LIMITS = { minIntervalMs: 1000 } as const;
/** How often the time before the canary's first request is looked at, and how long it may last. */
const PREPARING_STEP_MS = 1000;
const PREPARING_STEPS_MAX = 7200;
/** Looks at one moment, each of which had a reason to look again at once. */
const LOOKS_MAX = 20;

export interface ReleaseOptions {
  /** With built-in metrics alone, and without hooks. */
  readonly canary: Canary;
  readonly answer: (question: Question, moment: Moment) => Answer;
  readonly environment: Environment;
  readonly seed: number;
  readonly stepMs: number;
}

/**
 * The operator with one release: the real `decide` on a virtual clock, and answers that somebody else makes up.
 *
 * The clock's zero is the canary's first request; what comes before it (pods that start, the first look) is gone through at once.
 */
export class ReleaseModel {
  verdict: Verdict = "running";
  status: CanaryStatus;
  lastDecision: Decision | undefined;
  readonly #options: ReleaseOptions;
  readonly #cluster: ReleaseCluster;
  readonly #metricNames: readonly string[];
  readonly #random: Random;
  readonly #crashesAtMs: number[];
  #lastTickMs: number | undefined;
  #wakeAtMs = Number.NEGATIVE_INFINITY;
  #seen = Number.NaN;
  /** Of the first request, on the clock of decisions. */
  #epochMs = START_MS;

  constructor(options: ReleaseOptions) {
    const settings = readSettings(options.canary, LIMITS);
    assert(settings.ok, "a simulated Canary is valid");
    this.#options = options;
    this.#cluster = new ReleaseCluster(options.environment.podStartMs ?? 0, LONG_AGO_MS);
    this.#metricNames = settings.value.metrics
      .map(({ name }) => name)
      .filter((name) => name === SUCCESS_RATE || name === REQUEST_DURATION);
    this.#random = randomStream(options.seed, "environment");
    this.#crashesAtMs = (options.environment.crashesAtMs ?? []).toSorted((a, b) => a - b);
    this.status = completeStatus({
      phase: "Initialized",
      lastAppliedSpec: "s-old",
      lastPromotedSpec: "s-old",
      lastTransitionTime: new Date(LONG_AGO_MS).toISOString(),
    });
    this.#prepare();
  }

  get weightPercent(): number {
    return this.#cluster.weightPercent;
  }

  #prepare(): void {
    for (let count = 0; count < PREPARING_STEPS_MAX; count += 1) {
      this.lookUntilQuiet(0);
      if (this.weightPercent > 0 || this.verdict !== "running") return;
      this.#epochMs = this.#nextPreparingMs();
    }
    throw new Bug(`the canary gets a first request; the last decision was ${this.lastDecision?.label ?? "none"}`);
  }

  /** Pods that start are looked at now and then; where none does, nothing happens before the next look. */
  #nextPreparingMs(): number {
    const nextMs = this.#epochMs + PREPARING_STEP_MS;
    const isQuiet = (this.#options.environment.podStartMs ?? 0) === 0 && Number.isFinite(this.#wakeAtMs);
    return isQuiet ? Math.max(nextMs, this.#wakeAtMs) : nextMs;
  }

  /** Looks if it is time to, or if pods changed, until neither is so. Times are since the first request. */
  lookUntilQuiet(sinceMs: number): void {
    const nowMs = this.#epochMs + sinceMs;
    for (let looks = 0; looks < LOOKS_MAX && this.verdict === "running"; looks += 1) {
      const seen = this.#cluster.fingerprint(nowMs);
      if (nowMs < this.#wakeAtMs && seen === this.#seen) return;
      this.#seen = seen;
      if (!this.#look(sinceMs)) return;
    }
  }

  /** One look; false when the operator was kept from finishing it, and comes back at the next step. */
  #look(sinceMs: number): boolean {
    const nowMs = this.#epochMs + sinceMs;
    const decision = this.#decide(sinceMs);
    this.lastDecision = decision;
    const doneCount = this.#writesBeforeFailure(decision.commands.length, sinceMs);
    for (const command of decision.commands.slice(0, doneCount)) this.#cluster.perform(command, nowMs);
    // The status comes last: without it the look has not happened.
    if (doneCount <= decision.commands.length) {
      this.#wakeAtMs = nowMs;
      return false;
    }
    this.status = decision.status;
    if (decision.isTick) this.#lastTickMs = nowMs;
    this.#wakeAtMs = decision.wakeAtMs ?? Number.POSITIVE_INFINITY;
    this.verdict = verdictOf(decision.status.phase);
    return true;
  }

  /** Writes that succeed: the commands, and one more for the status when nothing goes wrong. */
  #writesBeforeFailure(commandCount: number, sinceMs: number): number {
    const crashMs = this.#crashesAtMs[0];
    if (crashMs !== undefined && sinceMs >= crashMs) {
      this.#crashesAtMs.shift();
      this.#lastTickMs = undefined;
      // What a new process reads is what was written, not what the old one had in memory.
      this.status = JSON.parse(JSON.stringify(this.status)) as CanaryStatus;
      return Math.floor(commandCount / 2);
    }
    const { conflictShare = 0 } = this.#options.environment;
    if (conflictShare > 0)
      for (let write = 0; write <= commandCount; write += 1) if (this.#random.next() < conflictShare) return write;
    return commandCount + 1;
  }

  #decide(sinceMs: number): Decision {
    const canary: Canary = { ...this.#options.canary, status: this.status };
    const answers = new Map<string, Answer>();
    const observation = { ...this.#cluster.observe(this.#epochMs + sinceMs), lastTickMs: this.#lastTickMs, answers };
    const now = { nowMs: this.#epochMs + sinceMs, ...LIMITS };
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const decision = decide(canary, observation, now);
      if (decision.questions.length === 0) return decision;
      const moment = this.#moment(sinceMs);
      for (const question of decision.questions) answers.set(question.id, this.#options.answer(question, moment));
    }
    throw new Bug("the questions of a look end");
  }

  #moment(sinceMs: number): Moment {
    const { environment, stepMs } = this.#options;
    return {
      metricNames: this.#metricNames,
      countedMs: Math.floor((sinceMs - (environment.scrapeLagMs ?? 0)) / stepMs) * stepMs,
      isMetricsDown: isWithin(environment.metricsOutages, sinceMs),
      epochMs: this.#epochMs,
    };
  }
}

function verdictOf(phase: CanaryStatus["phase"]): Verdict {
  if (phase === "Failed") return "rolled-back";
  return phase === "Promoting" || phase === "Finalising" || phase === "Succeeded" ? "promoted" : "running";
}

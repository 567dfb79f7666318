import type { Canary, CanaryStatus } from "#api";
import { assert, Bug, type Random } from "#base";
import {
  type Answer,
  type Command,
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
import { chanceAt, type Environment, type Incidents, isWithin } from "./environment.ts";
import type { Moment } from "./moment.ts";
import { ReleaseCluster } from "./release-cluster.ts";

/** Where the model's clock starts; any time would do. */
const START_MS = Date.UTC(2026, 0, 1, 12);
const LONG_AGO_MS = START_MS - 3_600_000;
const LIMITS = { minIntervalMs: 1000 } as const;
/** How often the time before the canary's first request is looked at, and how long it may last. */
const PREPARING_STEP_MS = 1000;
const PREPARING_STEPS_MAX = 7200;
/** How long a release may take from its verdict until it is over. */
const SETTLING_MAX_MS = 3_600_000;
/** Looks at one moment, each of which had a reason to look again at once. */
const LOOKS_MAX = 20;

export interface ReleaseOptions {
  /** With built-in metrics alone, and without hooks. */
  readonly canary: Canary;
  readonly answer: (question: Question, moment: Moment) => Answer;
  readonly environment: Environment;
  readonly seed: number;
  readonly stepMs: number;
  /** The weight that there really was at a time, where decisions do not set it. */
  readonly weightAt?: (sinceMs: number) => StandingWeight | undefined;
}

/** A weight in percent, and since when it was there. */
export interface StandingWeight {
  readonly percent: number;
  readonly changedMs: number;
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
  incidents: Incidents = { crashCount: 0, refusedWriteCount: 0, blindLookCount: 0 };
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
    this.#cluster = new ReleaseCluster(options.environment, LONG_AGO_MS);
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

  /** That decisions ask for. */
  get weightPercent(): number {
    return this.#cluster.route.askedPercent;
  }

  /** From the new version's coming until the canary's first request. */
  get preparedMs(): number {
    return this.#epochMs - START_MS;
  }

  /** The mean weight that the proxies serve in the step that begins then. */
  servedPercent(sinceMs: number): number {
    const fromMs = this.#epochMs + sinceMs;
    return this.#cluster.route.servedOver(fromMs, fromMs + this.#options.stepMs);
  }

  #prepare(): void {
    const { environment } = this.#options;
    for (let count = 0; count < PREPARING_STEPS_MAX; count += 1) {
      this.lookUntilQuiet(0);
      if (this.#cluster.route.servedOver(this.#epochMs, this.#epochMs + 1) > 0 || this.verdict !== "running") return;
      this.#epochMs = this.#nextPreparingMs();
    }
    // Pods that never come, or writes that are all refused, keep it from ever being released: that is what is to be seen.
    assert(
      Object.keys(environment).length > 0,
      `the canary gets a first request; the last decision was ${this.lastDecision?.label ?? "none"}`,
    );
  }

  /** Pods that start and routes on their way are looked at now and then; without, nothing happens before the next look. */
  #nextPreparingMs(): number {
    const { podStartMs = 0, meshLagMs = 0 } = this.#options.environment;
    const nextMs = this.#epochMs + PREPARING_STEP_MS;
    const isQuiet = podStartMs === 0 && meshLagMs === 0 && Number.isFinite(this.#wakeAtMs);
    return isQuiet ? Math.max(nextMs, this.#wakeAtMs) : nextMs;
  }

  /** Looks if it is time to, or if pods changed, until neither is so. Times are since the first request. */
  lookUntilQuiet(sinceMs: number): void {
    if (this.verdict === "running") this.#lookUntil(sinceMs, () => this.verdict !== "running");
  }

  /** Goes on from a verdict, a step at a time; whether the release ended as the verdict says within an hour. */
  settle(sinceMs: number): boolean {
    const { verdict } = this;
    const isOver = (): boolean => this.status.phase === "Succeeded" || this.status.phase === "Failed";
    for (let afterMs = 0; !isOver() && afterMs <= SETTLING_MAX_MS; afterMs += this.#options.stepMs)
      this.#lookUntil(sinceMs + afterMs, isOver);
    return this.status.phase === (verdict === "promoted" ? "Succeeded" : "Failed");
  }

  #lookUntil(sinceMs: number, isEnough: () => boolean): void {
    const nowMs = this.#epochMs + sinceMs;
    for (let looks = 0; looks < LOOKS_MAX && !isEnough(); looks += 1) {
      const seen = this.#cluster.fingerprint(nowMs);
      if (nowMs < this.#wakeAtMs && seen === this.#seen) return;
      this.#seen = seen;
      if (!this.#look(sinceMs)) return;
    }
  }

  /** One look; false when the operator was kept from finishing it, and comes back at the next step. */
  #look(sinceMs: number): boolean {
    const nowMs = this.#epochMs + sinceMs;
    if (isWithin(this.#options.environment.metricsOutages, sinceMs)) this.#met("blindLookCount");
    this.#follow(sinceMs);
    const decision = this.#decide(sinceMs);
    this.lastDecision = decision;
    const doneCount = this.#writesBeforeFailure(decision.commands, sinceMs);
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

  /** Puts a release that is replayed to the weight that it had then. */
  #follow(sinceMs: number): void {
    const weight = this.status.canaryWeight > 0 ? this.#options.weightAt?.(sinceMs) : undefined;
    if (weight === undefined) return;
    const lastTransitionTime = new Date(this.#epochMs + weight.changedMs).toISOString();
    this.status = { ...this.status, canaryWeight: weight.percent, lastTransitionTime };
    this.#cluster.route.ask(weight.percent, this.#epochMs + sinceMs);
  }

  /** Writes that succeed: the commands, and one more for the status when nothing goes wrong. */
  #writesBeforeFailure(commands: readonly Command[], sinceMs: number): number {
    if (this.#isCrash(sinceMs)) {
      this.#met("crashCount");
      this.#lastTickMs = undefined;
      // What a new process reads is what was written, not what the old one had in memory.
      this.status = JSON.parse(JSON.stringify(this.status)) as CanaryStatus;
      return Math.floor(commands.length / 2);
    }
    const { conflictShare, conflictSpans } = this.#options.environment;
    const chance = chanceAt(conflictShare, conflictSpans, sinceMs);
    for (let write = 0; chance > 0 && write <= commands.length; write += 1) {
      const command = commands[write];
      // What is as it should be is not written again; the status is.
      if ((command !== undefined && !this.#cluster.isChangedBy(command)) || this.#random.next() >= chance) continue;
      this.#met("refusedWriteCount");
      return write;
    }
    return commands.length + 1;
  }

  #isCrash(sinceMs: number): boolean {
    if (sinceMs >= (this.#crashesAtMs[0] ?? Number.POSITIVE_INFINITY)) {
      this.#crashesAtMs.shift();
      return true;
    }
    const chance = chanceAt(this.#options.environment.crashShare, this.#options.environment.crashSpans, sinceMs);
    return chance > 0 && this.#random.next() < chance;
  }

  #met(incident: keyof Incidents): void {
    this.incidents = { ...this.incidents, [incident]: this.incidents[incident] + 1 };
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

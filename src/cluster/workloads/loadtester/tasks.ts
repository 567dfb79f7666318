import { formatDuration } from "#base";
import type { LineLog } from "../line-log.ts";
import type { CanaryPayload } from "./payload.ts";
import { createProcessGroups, type ProcessGroups, type ProcessOutcome, runProcess } from "./run-process.ts";

/** The answer to a webhook. */
export interface Answer {
  readonly status: number;
  readonly body: string;
}

export interface TaskRunnerOptions {
  readonly timeoutMs: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: LineLog;
  /** Counts what ended, for /metrics. */
  readonly onEnd: (type: string, isSuccess: boolean) => void;
}

const RUNNING_MAX = 100;

interface Task {
  readonly type: string;
  readonly words: readonly [string, ...string[]];
  /** As it is shown in messages. */
  readonly command: string;
}

/** Runs the tasks that webhooks ask for. */
export class TaskRunner {
  readonly #options: TaskRunnerOptions;
  /** Tasks in the background, by canary and command. */
  readonly #background = new Map<string, Promise<ProcessOutcome>>();
  readonly #stopped = new AbortController();
  readonly #groups: ProcessGroups = createProcessGroups();
  #blockingCount = 0;

  constructor(options: TaskRunnerOptions) {
    this.#options = options;
  }

  /** Tasks that run now. */
  get size(): number {
    return this.#background.size + this.#blockingCount;
  }

  async run(payload: CanaryPayload): Promise<Answer> {
    const { type = "cmd", cmd } = payload.metadata;
    if (!KNOWN_TYPES.includes(type)) return { status: 400, body: unknownType(type) };
    if (cmd === undefined || cmd === "") return { status: 400, body: "cmd not found in metadata" };
    if (this.size >= RUNNING_MAX)
      return { status: 503, body: `${RUNNING_MAX} tasks are running already; try again later` };
    if (type === "cmd") return this.#start(payload, { type, words: ["sh", "-c", cmd], command: cmd });
    if (type === "bash") return this.#finish(payload, { type, words: ["bash", "-c", cmd], command: cmd });
    const program = type === "kubectl" ? "kubectl" : "helm";
    const args = cmd.split(" ").filter((word) => word !== "");
    return this.#finish(payload, { type, words: [program, ...args], command: `${program} ${cmd}` });
  }

  /** Ends all tasks and waits for those in the background; the others are awaited by their requests. */
  async close(): Promise<void> {
    this.#stopped.abort();
    await Promise.all(this.#background.values());
    this.#groups.close();
  }

  async #execute({ type, words }: Task): Promise<ProcessOutcome> {
    const { timeoutMs, env, onEnd } = this.#options;
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), timeoutMs);
    const signal = AbortSignal.any([limit.signal, this.#stopped.signal]);
    const outcome = await runProcess(words, { env, signal, groups: this.#groups });
    clearTimeout(timer);
    onEnd(type, outcome.isSuccess);
    if (!limit.signal.aborted) return outcome;
    return { ...outcome, isSuccess: false, problem: `ended after the limit of ${formatDuration(timeoutMs)}` };
  }

  /** Starts a task in the background, unless the same one of the same canary still runs. */
  #start(payload: CanaryPayload, task: Task): Answer {
    const { log } = this.#options;
    const canary = `${payload.name}.${payload.namespace}`;
    const { command } = task;
    const key = `${canary} ${command}`;
    if (this.#background.has(key)) {
      log.info("command skipped, the same one is still running", { canary, command });
      return { status: 202, body: "" };
    }
    log.info("command started", { canary, command });
    const running = this.#execute(task);
    this.#background.set(key, running);
    void running.then((outcome) => {
      this.#background.delete(key);
      const showsOutput = payload.metadata.logCmdOutput === "true" || !outcome.isSuccess;
      const fields = { canary, command, ...(showsOutput ? { output: outcome.output } : {}) };
      if (outcome.isSuccess) log.info("command finished", fields);
      else log.error("command failed", { ...fields, error: outcome.problem });
    });
    return { status: 202, body: "" };
  }

  async #finish(payload: CanaryPayload, task: Task): Promise<Answer> {
    const { log } = this.#options;
    const fields = { canary: `${payload.name}.${payload.namespace}`, command: task.command };
    log.info("command started", fields);
    this.#blockingCount++;
    const outcome = await this.#execute(task).finally(() => this.#blockingCount--);
    if (!outcome.isSuccess) {
      log.error("command failed", { ...fields, error: outcome.problem });
      return { status: 500, body: `command ${task.command} failed: ${outcome.output}: ${outcome.problem}` };
    }
    log.info("command finished", fields);
    return { status: 200, body: payload.metadata.returnCmdOutput === "true" ? outcome.output : "" };
  }
}

const KNOWN_TYPES: readonly string[] = ["cmd", "bash", "helm", "helmv3", "kubectl"];

function unknownType(type: string): string {
  return `task type "${type}" is not known to the built-in load tester; use one of ${KNOWN_TYPES.join(", ")}`;
}

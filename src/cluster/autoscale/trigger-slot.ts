import type { ScaledObjectTrigger } from "#api";
import { type Clock, deepEqual, Failure, type Log, messageOf } from "#base";
import type { NamedMetric } from "./plan/generate-hpa.ts";
import { metricNameOf } from "./plan/metric-value.ts";
import {
  type ExternalMetricSpec,
  type ExternalTrigger,
  type ResourceTrigger,
  type Trigger,
  type TriggerReading,
  withDeadline,
} from "./triggers/index.ts";

/** Longest that building, asking or reading a trigger may take, whatever its own timeouts are. */
const DEADLINE_MS = 30_000;
/** A server may announce its metrics as often as it likes. */
const ANNOUNCE_MS = 1000;
/** Metrics of one trigger; only servers of external triggers could have more than one. */
const MAX_METRIC_COUNT = 64;

export interface TriggerSlotOptions {
  /** 0-based position in `spec.triggers`. */
  readonly index: number;
  readonly source: ScaledObjectTrigger;
  readonly build: (signal: AbortSignal) => Promise<Trigger>;
  /** Called when the server of a trigger that pushes says that there is work. */
  readonly onActive: () => void;
  /** Called when the server of a trigger that pushes has announced other metrics or thresholds than those that are known. */
  readonly onMetrics: () => void;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** A trigger that was built, and who uses it at the moment. */
interface Built {
  readonly trigger: Trigger;
  readonly ended: AbortController;
  userCount: number;
  isDiscarded: boolean;
}

/**
 * The place of one trigger of a ScaledObject. Its trigger is built when it is needed first, is kept while it works, and is closed
 * once it has failed and nobody reads it any more. A failed call is tried once more with a trigger built anew.
 *
 * KEDA drops all triggers of a ScaledObject when one fails; here the others keep their connections (keda#5521).
 */
export class TriggerSlot {
  readonly index: number;
  readonly source: ScaledObjectTrigger;
  readonly #options: TriggerSlotOptions;
  readonly #closed = new AbortController();
  #built: Promise<Built> | undefined;
  #known: readonly NamedMetric[] = [];
  #isResource = false;
  #cancelAnnouncement: (() => void) | undefined;

  constructor(options: TriggerSlotOptions) {
    this.index = options.index;
    this.source = options.source;
    this.#options = options;
    const end = (): void => this.#closed.abort();
    if (options.signal.aborted) end();
    options.signal.addEventListener("abort", end, { once: true });
    this.#closed.signal.addEventListener("abort", () => options.signal.removeEventListener("abort", end));
  }

  /** Metrics that the trigger had when it was asked last. */
  get known(): readonly NamedMetric[] {
    return this.#known;
  }

  /** Whether it was built once as a trigger that the autoscaler reads itself. */
  get isResource(): boolean {
    return this.#isResource;
  }

  /**
   * Builds the trigger unless it is.
   *
   * @returns the metric that the autoscaler reads itself; undefined for a trigger with values of its own.
   * @throws Failure that says why it cannot be built.
   */
  async ensure(): Promise<ResourceTrigger["metric"] | undefined> {
    const { trigger } = await this.#get();
    this.#isResource = trigger.kind === "resource";
    return trigger.kind === "resource" ? trigger.metric : undefined;
  }

  /** The metrics with values of its own. @throws Failure */
  async metrics(): Promise<readonly NamedMetric[]> {
    const specs = await this.#attempt("asking for the metrics of", (trigger, signal) => trigger.metrics(signal));
    if (specs.length > MAX_METRIC_COUNT) {
      const message = `trigger ${this.index} has ${specs.length} metrics, at most ${MAX_METRIC_COUNT} are allowed`;
      throw new Failure(message, { code: "InvalidTrigger" });
    }
    this.#known = specs.map((spec) => ({ name: metricNameOf(this.index, spec), triggerIndex: this.index, spec }));
    return this.#known;
  }

  /** Reads a metric now. @throws Failure */
  read(metric: ExternalMetricSpec): Promise<TriggerReading> {
    return this.#attempt("reading", (trigger, signal) => trigger.read(metric, signal));
  }

  /** Gives up what is being read and closes. */
  async close(): Promise<void> {
    this.#closed.abort();
    this.#cancelAnnouncement?.();
    const built = await this.#built?.catch(() => undefined);
    if (built !== undefined) await this.#discard(built);
  }

  async #attempt<T>(doing: string, work: (trigger: ExternalTrigger, signal: AbortSignal) => Promise<T>): Promise<T> {
    try {
      return await this.#use(doing, work);
    } catch (thrown) {
      if (this.#closed.signal.aborted) throw thrown;
      this.#options.log.debug("a trigger failed, it is built anew", { error: messageOf(thrown) });
      return await this.#use(doing, work);
    }
  }

  /** Calls the trigger; one that fails is not used again. */
  async #use<T>(doing: string, work: (trigger: ExternalTrigger, signal: AbortSignal) => Promise<T>): Promise<T> {
    const built = await this.#get();
    const { trigger } = built;
    if (trigger.kind !== "external") throw new Failure("cpu and memory have no values here", { code: "NoMetrics" });
    built.userCount += 1;
    try {
      return await this.#limited(doing, (signal) => work(trigger, signal));
    } catch (thrown) {
      built.isDiscarded = true;
      throw thrown;
    } finally {
      built.userCount -= 1;
      if (built.isDiscarded) await this.#discard(built);
    }
  }

  #get(): Promise<Built> {
    const { signal } = this.#closed;
    if (signal.aborted) return Promise.reject(new Failure("the trigger is closed", { code: "Aborted" }));
    if (this.#built !== undefined) return this.#built;
    const building = this.#build();
    this.#built = building;
    building.catch(() => {
      if (this.#built === building) this.#built = undefined;
    });
    return building;
  }

  async #build(): Promise<Built> {
    const { build, onActive } = this.#options;
    const trigger = await this.#limited("building", async (signal) => {
      const made = await build(signal);
      // Nobody waits for it any more.
      if (signal.aborted) await made.close();
      return made;
    });
    const ended = new AbortController();
    if (trigger.kind === "external") {
      trigger.watch?.(onActive, ended.signal);
      trigger.watchMetrics?.((specs) => this.#announced(specs), ended.signal);
    }
    return { trigger, ended, userCount: 0, isDiscarded: false };
  }

  /** Tells of other metrics a while later, together with those that are announced by then. */
  #announced(specs: readonly ExternalMetricSpec[]): void {
    const known = this.#known.map(({ spec }) => spec);
    if (this.#cancelAnnouncement !== undefined || this.#closed.signal.aborted || deepEqual(specs, known)) return;
    this.#cancelAnnouncement = this.#options.clock.after(ANNOUNCE_MS, () => {
      this.#cancelAnnouncement = undefined;
      this.#options.onMetrics();
    });
  }

  /** Takes a trigger out of use, and closes it when it was the last user who did. */
  async #discard(built: Built): Promise<void> {
    built.isDiscarded = true;
    const current = this.#built;
    if (current !== undefined && (await current.catch(() => undefined)) === built && this.#built === current) {
      this.#built = undefined;
    }
    if (built.userCount > 0 || built.ended.signal.aborted) return;
    built.ended.abort();
    await built.trigger.close().catch((thrown: unknown) => {
      this.#options.log.debug("a trigger could not be closed", { error: messageOf(thrown) });
    });
  }

  #limited<T>(doing: string, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { clock, source } = this.#options;
    const action = `${doing} trigger ${this.index} of type "${source.type}"`;
    return withDeadline({ clock, timeoutMs: DEADLINE_MS, signals: [this.#closed.signal], action }, run);
  }
}

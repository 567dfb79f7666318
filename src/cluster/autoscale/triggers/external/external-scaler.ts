import { messageOf } from "#base";
import type { ExternalMetricSpec, ExternalTrigger, TriggerReading, TriggerWorld } from "../trigger.ts";
import { clientFailure, said, unreadable } from "../clients/client-failure.ts";
import { withDeadline } from "../clients/deadline.ts";
import { type ClientLease, type ClientPool, poolKey } from "./client-pool.ts";
import { keepListening } from "./keep-listening.ts";
import { type ScalerPlace, scalerTarget } from "./scaler-address.ts";
import type { ScalerClient, StreamEnd } from "./scaler-client.ts";
import type { MetricSpec, ScaledObjectRef } from "./scaler-messages.ts";

export interface ExternalScalerOptions {
  readonly pool: ClientPool;
  readonly place: ScalerPlace;
  readonly ref: ScaledObjectRef;
  readonly targetType: ExternalMetricSpec["targetType"];
  /** Texts that no message may hold, should the server say them. */
  readonly secrets: readonly string[];
  readonly world: TriggerWorld;
}

/** A trigger whose metrics, values and activity a server decides on. Source: keda-hpa-spec 15.11. */
export class ExternalScaler {
  readonly #options: ExternalScalerOptions;
  readonly #closed = new AbortController();
  #held: { readonly key: string; readonly lease: ClientLease } | undefined;

  constructor(options: ExternalScalerOptions) {
    this.#options = options;
  }

  /** @throws Error when a certificate or key cannot be read. */
  async prepare(): Promise<void> {
    await this.#client();
  }

  asTrigger(): ExternalTrigger {
    return {
      kind: "external",
      metrics: (signal) => this.#metrics(signal),
      read: (metric, signal) => this.#read(metric, signal),
      close: () => this.#close(),
    };
  }

  asPushTrigger(): ExternalTrigger {
    return {
      ...this.asTrigger(),
      watch: (onActive, signal) =>
        this.#listen(signal, (client, ended) =>
          // What is no longer active is found out by the poll. Source: keda-hpa-spec 6.
          client.streamIsActive(this.#options.ref, (isActive) => isActive && !ended.aborted && onActive(), ended),
        ),
      watchMetrics: (onMetrics, signal) =>
        this.#listen(signal, (client, ended, onProgress) =>
          client.streamMetricSpec(
            this.#options.ref,
            (specs) => {
              onProgress();
              if (!ended.aborted) onMetrics(this.#toMetrics(specs));
            },
            ended,
          ),
        ),
    };
  }

  async #metrics(signal: AbortSignal): Promise<readonly ExternalMetricSpec[]> {
    const specs = await this.#call("ask for metrics", signal, (client, ended) =>
      client.getMetricSpec(this.#options.ref, ended),
    );
    if (specs.length === 0 || specs.some(({ metricName }) => metricName === ""))
      throw unreadable(
        `Cannot ask for metrics at ${this.#server()}: it names no metric; let GetMetricSpec give at least one, each with a name`,
      );
    return this.#toMetrics(specs);
  }

  async #read(metric: ExternalMetricSpec, signal: AbortSignal): Promise<TriggerReading> {
    const { ref } = this.#options;
    const request = { scaledObjectRef: ref, metricName: metric.name };
    const values = await this.#call(`read metric "${metric.name}"`, signal, (client, ended) =>
      client.getMetrics(request, ended),
    );
    const isActive = await this.#call("ask for activity", signal, (client, ended) => client.isActive(ref, ended));
    return { values, isActive };
  }

  #toMetrics(specs: readonly MetricSpec[]): readonly ExternalMetricSpec[] {
    const { targetType } = this.#options;
    return specs.map(({ metricName, target }) => ({
      name: metricName,
      target,
      targetType,
      isWhole: Number.isInteger(target),
      isVerbatim: true,
    }));
  }

  async #call<T>(
    action: string,
    signal: AbortSignal,
    call: (client: ScalerClient, ended: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { world, secrets } = this.#options;
    const { clock, timeoutMs } = world;
    const signals = [signal, world.signal, this.#closed.signal];
    try {
      return await withDeadline({ clock, timeoutMs, signals }, async (ended) => call(await this.#client(), ended));
    } catch (thrown) {
      throw clientFailure(`${action} at ${this.#server()}`, thrown, secrets);
    }
  }

  /** Runs a stream beside the reads, until the trigger ends. */
  #listen(
    signal: AbortSignal,
    open: (client: ScalerClient, ended: AbortSignal, onProgress: () => void) => Promise<StreamEnd>,
  ): void {
    const { world, secrets, ref } = this.#options;
    const ended = AbortSignal.any([signal, world.signal, this.#closed.signal]);
    const log = world.log.with({
      scaledObject: `${ref.namespace}/${ref.name}`,
      server: this.#options.place.scalerAddress,
    });
    void keepListening({
      clock: world.clock,
      signal: ended,
      open: async () => {
        let isProgress = false;
        try {
          const end = await open(await this.#client(), ended, () => (isProgress = true));
          return { end, isProgress };
        } catch (thrown) {
          return { end: { error: thrown instanceof Error ? thrown : new Error(String(thrown)) }, isProgress };
        }
      },
      onLoss(end, retryMs) {
        if (typeof end === "string") log.debug("An external scaler ended its stream", { retryMs });
        else
          log.warn("The stream of an external scaler broke", { retryMs, error: said(messageOf(end.error), secrets) });
      },
    });
  }

  /** The shared client for the address that the name stands for now. */
  async #client(): Promise<ScalerClient> {
    const { pool, place, ref, world } = this.#options;
    const target = scalerTarget(place.scalerAddress, (host) => world.resolve(host, ref.namespace));
    const address = { ...target, tls: place.tls };
    const key = poolKey(address);
    if (this.#held?.key === key) return this.#held.lease.client;
    const lease = await pool.lease(address);
    if (this.#closed.signal.aborted) {
      lease.release();
      throw unreadable("the trigger is closed");
    }
    this.#held?.lease.release();
    this.#held = { key, lease };
    return lease.client;
  }

  #server(): string {
    return `external scaler "${this.#options.place.scalerAddress}"`;
  }

  #close(): Promise<void> {
    this.#closed.abort();
    this.#held?.lease.release();
    this.#held = undefined;
    return Promise.resolve();
  }
}

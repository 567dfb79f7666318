import { Socket } from "node:net";
import type { Channel, ChannelModel } from "amqplib";
import { isObject } from "#base";
import { clientFailure } from "../clients/client-failure.ts";
import { lookupIn } from "../clients/cluster-lookup.ts";
import { boundOf, withDeadline } from "../clients/deadline.ts";
import { tlsConnectOf } from "../clients/tls.ts";
import { decoded } from "../clients/url-login.ts";
import type { TriggerOptions, TriggerWorld } from "../trigger.ts";
import { loginOf, type RabbitSettings, secretsOf } from "./rabbitmq-settings.ts";

/**
 * One AMQP connection for the life of a trigger. It does not connect again: a trigger whose read failed is built anew.
 */
export class AmqpSession {
  readonly #connection: ChannelModel;
  readonly #settings: RabbitSettings;
  readonly #world: TriggerWorld;
  /** Shared by readings that overlap. The server closes it after each answer that is an error. */
  #channel: Promise<Channel> | undefined;

  private constructor(connection: ChannelModel, settings: RabbitSettings, world: TriggerWorld) {
    this.#connection = connection;
    this.#settings = settings;
    this.#world = world;
  }

  /** @throws Failure `TriggerUnreadable` */
  static async open(
    settings: RabbitSettings,
    world: TriggerWorld,
    scaledObject: TriggerOptions["scaledObject"],
  ): Promise<AmqpSession> {
    const { host, vhostName } = settings;
    const vhost = vhostName ?? (decoded(host.pathname.slice(1)) || "/");
    const action = `connect to RabbitMQ at ${host.protocol}//${host.host}, vhost "${vhost}"`;
    try {
      return await withDeadline(boundOf(world, world.signal), async (ending) => {
        const connection = await connect({ settings, world, scaledObject, ending });
        // Errors come to whoever waits for an answer; Node ends the process when nobody hears the event.
        connection.on("error", () => undefined);
        if (ending.aborted) destroy(connection);
        return new AmqpSession(connection, settings, world);
      });
    } catch (thrown) {
      throw clientFailure(action, thrown, secretsOf(settings));
    }
  }

  /** How many messages wait in the queue that nobody has got yet. @throws Failure `TriggerUnreadable` */
  async readyCount(signal: AbortSignal): Promise<number> {
    const { queueName } = this.#settings;
    const action = `read queue "${queueName}" over AMQP`;
    try {
      return await withDeadline(boundOf(this.#world, signal), async (ending) => {
        // An unanswered question would be answered to the next one.
        ending.addEventListener("abort", () => destroy(this.#connection), { once: true });
        const channel = await this.#open();
        // A passive declaration: it fails rather than makes the queue.
        return (await channel.checkQueue(queueName)).messageCount;
      });
    } catch (thrown) {
      throw clientFailure(action, thrown, secretsOf(this.#settings));
    }
  }

  /** Says goodbye, so that the server does not log a lost connection, and ends it. */
  async close(): Promise<void> {
    // No signal: the world may be ending, and that is the reason to close.
    await withDeadline(boundOf(this.#world), () => this.#connection.close()).catch(() => undefined);
    destroy(this.#connection);
  }

  #open(): Promise<Channel> {
    this.#channel ??= this.#createChannel();
    return this.#channel;
  }

  async #createChannel(): Promise<Channel> {
    const forget = (): void => {
      this.#channel = undefined;
    };
    try {
      const channel = await this.#connection.createChannel();
      channel.on("error", () => undefined);
      channel.on("close", forget);
      return channel;
    } catch (thrown) {
      forget();
      throw thrown;
    }
  }
}

interface ConnectOptions {
  readonly settings: RabbitSettings;
  readonly world: TriggerWorld;
  readonly scaledObject: TriggerOptions["scaledObject"];
  readonly ending: AbortSignal;
}

async function connect({ settings, world, scaledObject, ending }: ConnectOptions): Promise<ChannelModel> {
  const amqp = await import("amqplib");
  const { host, tls, vhostName } = settings;
  const hostname = host.hostname.replace(/^\[(.*)\]$/, "$1");
  const where = {
    protocol: host.protocol.slice(0, -1),
    hostname,
    ...(host.port === "" ? {} : { port: Number(host.port) }),
    // The client decodes it.
    vhost: vhostName === undefined ? host.pathname.slice(1) : encodeURIComponent(vhostName),
    ...loginOf(settings),
  };
  const how = {
    ...tlsConnectOf(tls),
    lookup: lookupIn(world, scaledObject.namespace),
    // Ends an attempt that nobody waits for any longer.
    signal: ending,
    timeout: world.timeoutMs,
    clientProperties: { connection_name: `serin-${scaledObject.namespace}-${scaledObject.name}` },
  };
  return amqp.connect(where, how);
}

/**
 * Ends the socket. The client has no way to give up on a server that does not answer, so its socket is looked for; it
 * hears of the end by the error only.
 */
function destroy(connection: ChannelModel): void {
  const inner: unknown = connection.connection;
  const stream = isObject(inner) ? inner.stream : undefined;
  if (stream instanceof Socket) stream.destroy(new Error("the connection was given up"));
}

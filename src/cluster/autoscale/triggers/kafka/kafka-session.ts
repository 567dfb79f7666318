import { connect as connectTcp, isIP, type LookupFunction, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import type { Admin, ISocketFactory, SASLOptions } from "kafkajs";
import { formatAddress } from "../clients/address.ts";
import { clientFailure, unreadable } from "../clients/client-failure.ts";
import { lookupIn } from "../clients/cluster-lookup.ts";
import { boundOf, withDeadline } from "../clients/deadline.ts";
import { secretsOfTls, tlsConnectOf } from "../clients/tls.ts";
import type { TriggerWorld } from "../trigger.ts";
import { isInRanges, type PartitionOffsets } from "./kafka-lag.ts";
import type { KafkaLogin, KafkaSettings } from "./kafka-settings.ts";

/** Topics of a group that are read at most; more are refused rather than left out. */
const MAX_TOPICS = 1000;

/** Connections to the brokers for the life of a trigger. They come and go; each reading tries each server once or twice. */
export class KafkaSession {
  readonly #admin: Admin;
  readonly #sockets: BrokerSockets;
  readonly #settings: KafkaSettings;
  readonly #world: TriggerWorld;

  private constructor(parts: { admin: Admin; sockets: BrokerSockets; settings: KafkaSettings; world: TriggerWorld }) {
    this.#admin = parts.admin;
    this.#sockets = parts.sockets;
    this.#settings = parts.settings;
    this.#world = parts.world;
  }

  /** Connects to one of the servers. @throws Failure `TriggerUnreadable` */
  static async open(settings: KafkaSettings, world: TriggerWorld, namespace: string): Promise<KafkaSession> {
    const sockets = new BrokerSockets(lookupIn(world, namespace));
    const admin = await createAdmin(settings, world, sockets);
    const session = new KafkaSession({ admin, sockets, settings, world });
    const servers = settings.bootstrapServers.map(formatAddress).join(", ");
    try {
      await session.#within(`connect to Kafka at ${servers}`, world.signal, async () => {
        await admin.connect();
        // The client takes a server that answered nothing as connected at the second try.
        await admin.describeCluster();
      });
      return session;
    } catch (thrown) {
      await session.close();
      throw thrown;
    }
  }

  /** Offsets of every partition that counts. @throws Failure `TriggerUnreadable` */
  read(signal: AbortSignal): Promise<PartitionOffsets[]> {
    const { consumerGroup, topic } = this.#settings;
    const what = topic === undefined ? "its topics" : `topic "${topic}"`;
    return this.#within(`read the lag of group "${consumerGroup}" on ${what} of Kafka`, signal, () => this.#offsets());
  }

  /** Ends every connection. */
  async close(): Promise<void> {
    await withDeadline(boundOf(this.#world), () => this.#admin.disconnect()).catch(() => undefined);
    this.#sockets.close();
  }

  async #within<T>(action: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const bound = boundOf(this.#world, signal);
    const { sasl, tls } = this.#settings;
    try {
      // Several brokers are asked one after the other.
      return await withDeadline({ ...bound, timeoutMs: bound.timeoutMs * 2 }, work);
    } catch (thrown) {
      throw clientFailure(action, thrown, [sasl?.password, ...(tls === undefined ? [] : secretsOfTls(tls))]);
    }
  }

  async #offsets(): Promise<PartitionOffsets[]> {
    const { topic, consumerGroup: groupId } = this.#settings;
    const topics = topic === undefined ? await this.#topicsOf(groupId) : [topic];
    // Asking for no topic would be asking for all.
    if (topics.length === 0) return [];
    const partitions = await this.#partitionsOf(topics);
    const committed = new Map<string, bigint>();
    for (const { topic: name, partitions: offsets } of await this.#admin.fetchOffsets({ groupId, topics }))
      for (const { partition, offset } of offsets) committed.set(`${name} ${partition}`, BigInt(offset));
    const newest = await this.#newestOf(topics);
    return partitions.map(({ topic: name, partition }) => {
      const key = `${name} ${partition}`;
      const offset = committed.get(key);
      if (offset === undefined) throw unreadable(`the answer has no offset for partition ${partition} of "${name}"`);
      return { topic: name, partition, committed: offset, newest: newest.get(key) };
    });
  }

  async #topicsOf(groupId: string): Promise<string[]> {
    const topics = (await this.#admin.fetchOffsets({ groupId })).map(({ topic }) => topic);
    if (topics.length > MAX_TOPICS)
      throw unreadable(`the group has ${topics.length} topics, more than ${MAX_TOPICS}; name one as "topic"`);
    return topics;
  }

  async #partitionsOf(topics: string[]): Promise<Pick<PartitionOffsets, "topic" | "partition">[]> {
    const { topics: found } = await this.#admin.fetchTopicMetadata({ topics });
    return found.flatMap(({ name, partitions }) => {
      const counting = partitions.filter(({ partitionId }) => isInRanges(partitionId, this.#settings.partitions));
      if (counting.length === 0) throw unreadable(`topic "${name}" has none of the partitions that are asked for`);
      return counting.map(({ partitionId }) => ({ topic: name, partition: partitionId }));
    });
  }

  async #newestOf(topics: readonly string[]): Promise<Map<string, bigint>> {
    const newest = new Map<string, bigint>();
    for (const topic of topics)
      for (const { partition, high } of await this.#admin.fetchTopicOffsets(topic))
        newest.set(`${topic} ${partition}`, BigInt(high));
    return newest;
  }
}

async function createAdmin(settings: KafkaSettings, world: TriggerWorld, sockets: BrokerSockets): Promise<Admin> {
  const { Kafka, logLevel } = await import("kafkajs");
  const { bootstrapServers, tls, sasl } = settings;
  const kafka = new Kafka({
    clientId: "serin",
    brokers: bootstrapServers.map(formatAddress),
    ...(tls === undefined ? {} : { ssl: tlsConnectOf(tls) }),
    ...(sasl === undefined ? {} : { sasl: saslOf(sasl) }),
    connectionTimeout: world.timeoutMs,
    authenticationTimeout: world.timeoutMs,
    requestTimeout: world.timeoutMs,
    // Enough to come by every server of the list; the deadline of the whole is shorter than their sum.
    retry: { retries: bootstrapServers.length, initialRetryTime: 50, maxRetryTime: 200 },
    logLevel: logLevel.NOTHING,
    socketFactory: sockets.factory,
  });
  return kafka.admin();
}

/** The client's type wants to know the mechanism before it takes the rest. */
function saslOf({ mechanism, username, password }: KafkaLogin): SASLOptions {
  if (mechanism === "plain") return { mechanism, username, password };
  return mechanism === "scram-sha-256" ? { mechanism, username, password } : { mechanism, username, password };
}

/** Makes the client's sockets, so that Services resolve, and so that none outlives the trigger. */
class BrokerSockets {
  readonly #open = new Set<Socket>();
  readonly #lookup: LookupFunction;
  #isClosed = false;

  constructor(lookup: LookupFunction) {
    this.#lookup = lookup;
  }

  readonly factory: ISocketFactory = ({ host, port, ssl, onConnect }) => {
    // The client would go on with the attempts of a call that was given up.
    if (this.#isClosed) throw new Error("the trigger is closed");
    const where = { host, port, lookup: this.#lookup };
    const name = isIP(host) === 0 ? { servername: host } : {};
    // Without TLS there is none, whatever the type says.
    const secure: ConnectionOptions | null | undefined = ssl;
    const socket = secure ? connectTls({ ...where, ...name, ...secure }, onConnect) : connectTcp(where, onConnect);
    this.#open.add(socket);
    socket.once("close", () => this.#open.delete(socket));
    return socket;
  };

  close(): void {
    this.#isClosed = true;
    for (const socket of this.#open) socket.destroy();
  }
}

import type { RedisClientOptions } from "@redis/client";
import { formatAddress } from "../clients/address.ts";
import { clientFailure } from "../clients/client-failure.ts";
import { lookupIn } from "../clients/cluster-lookup.ts";
import { withDeadline } from "../clients/deadline.ts";
import { secretsOfTls, tlsConnectOf } from "../clients/tls.ts";
import type { TriggerWorld } from "../trigger.ts";
import type { RedisSettings } from "./redis-settings.ts";

/**
 * One connection for the life of a trigger. It does not connect again: a trigger whose read failed is built anew, and a
 * client that retries on its own would go on behind the back of that.
 */
export class RedisSession {
  readonly #commander: Commander;
  readonly #world: TriggerWorld;
  readonly #secrets: readonly (string | undefined)[];

  private constructor(commander: Commander, world: TriggerWorld, secrets: readonly (string | undefined)[]) {
    this.#commander = commander;
    this.#world = world;
    this.#secrets = secrets;
  }

  /** Connects and asks for an answer. @throws Failure `TriggerUnreadable` */
  static async open(settings: RedisSettings, world: TriggerWorld, namespace: string): Promise<RedisSession> {
    const { addresses, password, sentinelPassword, tls, topology } = settings;
    const secrets = [password, sentinelPassword, ...(tls === undefined ? [] : secretsOfTls(tls))];
    const action = `connect to Redis (${topology}) at ${addresses.map(formatAddress).join(", ")}`;
    let commander: Commander | undefined;
    try {
      commander = await createCommander(settings, world, namespace);
      const { connect, send } = commander;
      await withDeadline(
        async () => {
          await connect();
          await send("", ["PING"]);
        },
        { clock: world.clock, timeoutMs: world.timeoutMs, signal: world.signal, action },
      );
      return new RedisSession(commander, world, secrets);
    } catch (thrown) {
      commander?.destroy();
      throw clientFailure(action, thrown, secrets);
    }
  }

  /**
   * Sends one command to the server that has the key. Numbers, texts, nulls and lists of them come back.
   *
   * @throws Failure `TriggerUnreadable`
   */
  async send(command: { action: string; key: string; args: readonly string[] }, signal: AbortSignal): Promise<unknown> {
    const { action, key, args } = command;
    const { clock, timeoutMs } = this.#world;
    try {
      return await withDeadline(() => this.#commander.send(key, args), { clock, timeoutMs, signal, action });
    } catch (thrown) {
      throw clientFailure(action, thrown, this.#secrets);
    }
  }

  /** Ends the connection at once; unanswered commands fail. */
  close(): void {
    this.#commander.destroy();
  }
}

/** What the three clients have in common once their different ways to say it are gone. */
interface Commander {
  connect(): Promise<unknown>;
  send(key: string, args: readonly string[]): Promise<unknown>;
  destroy(): void;
}

async function createCommander(settings: RedisSettings, world: TriggerWorld, namespace: string): Promise<Commander> {
  const redis = await import("@redis/client");
  const { topology, addresses, username, password, databaseIndex } = settings;
  const database = databaseIndex === 0 ? {} : { database: databaseIndex };
  const socket = socketOptions(settings, world, namespace);
  const node = { ...loginOptions(username, password), ...quiet, socket };
  if (topology === "cluster") {
    const rootNodes = addresses.map((address) => ({ socket: { ...socket, ...address } }));
    const cluster = redis.createCluster({ RESP: 2, rootNodes, defaults: node, minimizeConnections: true });
    cluster.on("error", ignored);
    return {
      connect: () => cluster.connect(),
      send: (key, args) => cluster.sendCommand(key === "" ? undefined : key, true, [...args]),
      destroy: () => quietly(() => cluster.destroy()),
    };
  }
  if (topology === "sentinel") {
    const sentinel = redis.createSentinel({
      RESP: 2,
      name: settings.sentinelMaster,
      sentinelRootNodes: [...addresses],
      nodeClientOptions: { ...node, ...database },
      sentinelClientOptions: {
        ...loginOptions(settings.sentinelUsername, settings.sentinelPassword),
        ...quiet,
        socket,
      },
      // Each is a second long; whoever waits has given up before the default of 16 are over.
      maxCommandRediscovers: 1,
    });
    sentinel.on("error", ignored);
    return {
      connect: () => sentinel.connect(),
      send: (_, args) => sentinel.sendCommand(true, [...args]),
      destroy: () => void sentinel.destroy().catch(ignored),
    };
  }
  const [first = { host: "", port: 0 }] = addresses;
  const client = redis.createClient({ RESP: 2, ...node, ...database, socket: { ...socket, ...first } });
  client.on("error", ignored);
  return {
    connect: () => client.connect(),
    send: (_, args) => client.sendCommand([...args]),
    destroy: () => quietly(() => client.destroy()),
  };
}

/** A command of a client that is not connected fails instead of waiting; servers before 7.2 need not be asked for names. */
const quiet = { disableOfflineQueue: true, disableClientInfo: true, maintNotifications: "disabled" } as const;

function loginOptions(username: string | undefined, password: string | undefined) {
  return { ...(username === undefined ? {} : { username }), ...(password === undefined ? {} : { password }) };
}

type SocketOptions = Exclude<RedisClientOptions["socket"], undefined>;

function socketOptions({ tls, topology, addresses }: RedisSettings, world: TriggerWorld, namespace: string) {
  const common = {
    connectTimeout: world.timeoutMs,
    reconnectStrategy: false,
    lookup: lookupIn(world, namespace),
  } as const satisfies SocketOptions;
  if (tls === undefined) return common;
  // Members of a cluster have names of their own, which one name for SNI would contradict.
  const name = topology === "single" ? addresses[0]?.host : undefined;
  return { ...common, ...tlsConnectOf(tls, name), tls: true as const };
}

/** Errors of the connection come to whoever waits for a command; the event is heard because Node ends the process otherwise. */
function ignored(): void {}

/** Clients refuse to be destroyed twice. */
function quietly(destroy: () => void): void {
  try {
    destroy();
  } catch {
    // It was closed already.
  }
}

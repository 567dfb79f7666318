import { setMaxListeners } from "node:events";
import type { RedisClientOptions } from "@redis/client";
import { lookupIn } from "../clients/cluster-lookup.ts";
import { tlsConnectOf } from "../clients/tls.ts";
import type { TriggerWorld } from "../trigger.ts";
import type { RedisSettings } from "./redis-settings.ts";

/** What the three clients have in common once their different ways to say it are gone. */
export interface RedisCommander {
  connect(): Promise<unknown>;
  send(key: string, args: readonly string[]): Promise<unknown>;
  /** Ends every socket, those of an unfinished discovery included. */
  destroy(): void;
}

/** Loads the client and makes what the topology needs; nothing is connected yet. */
export async function createRedisCommander(
  settings: RedisSettings,
  world: TriggerWorld,
  namespace: string,
): Promise<RedisCommander> {
  const redis = await import("@redis/client");
  const { topology, addresses, username, password, databaseIndex } = settings;
  const database = databaseIndex === 0 ? {} : { database: databaseIndex };
  const ending = new AbortController();
  // A cluster has a socket for each member.
  setMaxListeners(0, ending.signal);
  const socket = { ...socketOptions(settings, world, namespace), signal: ending.signal };
  const node = { ...loginOptions(username, password), ...quiet, socket };
  if (topology === "cluster") {
    const rootNodes = addresses.map((address) => ({ socket: { ...socket, ...address } }));
    const cluster = redis.createCluster({ RESP: 2, rootNodes, defaults: node, minimizeConnections: true });
    cluster.on("error", ignored);
    return {
      connect: () => cluster.connect(),
      send: (key, args) => cluster.sendCommand(key === "" ? undefined : key, true, [...args]),
      destroy: () => end(ending, () => cluster.destroy()),
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
      destroy: () => end(ending, () => void sentinel.destroy().catch(ignored)),
    };
  }
  const [first = { host: "", port: 0 }] = addresses;
  const client = redis.createClient({ RESP: 2, ...node, ...database, socket: { ...socket, ...first } });
  client.on("error", ignored);
  return {
    connect: () => client.connect(),
    send: (_, args) => client.sendCommand([...args]),
    destroy: () => end(ending, () => client.destroy()),
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

/** Clients refuse to be destroyed twice, and leave the socket behind from which they were still learning the topology. */
function end(ending: AbortController, destroy: () => void): void {
  try {
    destroy();
  } catch {
    // It was closed already.
  }
  ending.abort();
}

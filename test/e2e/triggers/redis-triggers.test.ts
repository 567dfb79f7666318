import { execFileSync } from "node:child_process";
import { createServer, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import {
  buildTrigger,
  metricOf,
  readOnce,
  triggerWorld,
} from "../../../src/cluster/autoscale/triggers/testing/trigger-fixture.ts";
import { findProgram } from "../debian-package.ts";
import { ForeignServers, freePorts } from "./foreign-servers.ts";

const redis = findProgram("redis-server", { debianPackage: "redis-server" });
if ("missing" in redis) console.warn(`skipping the Redis triggers: ${redis.missing}`);
const program = "path" in redis ? redis.path : "";

const servers = new ForeignServers("redis");
let port = 0;
let clusterPort = 0;
let sentinelPort = 0;
/** Resolves the name of a Service, as the cluster does. */
const world = triggerWorld({ resolve: (host) => (host === "redis.shop" ? "127.0.0.1" : host) });

beforeAll(async () => {
  if ("missing" in redis) return;
  [port = 0, clusterPort = 0, sentinelPort = 0] = await freePorts(3);
  startRedis(port, ["--requirepass", "open sesame", "--masterauth", "open sesame"]);
  startRedis(clusterPort, ["--cluster-enabled", "yes", "--cluster-announce-ip", "127.0.0.1"]);
  servers.start(program, [servers.place("sentinel.conf", `${sentinelLines().join("\n")}\n`), "--sentinel"]);
  await Promise.all([port, clusterPort, sentinelPort].map((each) => servers.listening(each)));
  cli(["-p", String(clusterPort), "CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
  await vi.waitFor(() => expect(cli(["-p", String(clusterPort), "CLUSTER", "INFO"])).toContain("state:ok"), {
    timeout: 10_000,
  });
});

afterAll(() => servers.stop());

function startRedis(at: number, options: readonly string[]): void {
  const directory = servers.makeDirectory(String(at));
  servers.start(program, ["--port", String(at), "--bind", "127.0.0.1", "--dir", directory, "--save", "", ...options]);
}

function sentinelLines(): string[] {
  return [
    `port ${sentinelPort}`,
    "bind 127.0.0.1",
    "requirepass watch word",
    `sentinel monitor shop-master 127.0.0.1 ${port} 1`,
    "sentinel auth-pass shop-master open sesame",
  ].map((line) => line.replace(/(open sesame|watch word)/, '"$1"'));
}

function cli(args: readonly string[]): string {
  return execFileSync("redis-cli", ["--no-auth-warning", ...args], { encoding: "utf8" }).trim();
}

/** Runs a command on the single server. */
function run(...command: string[]): string {
  return cli(["-p", String(port), "-a", "open sesame", ...command]);
}

const auth = { password: "open sesame" };

describe.skipIf("missing" in redis)("triggers of Redis against a real server", () => {
  it.each([
    ["list", ["RPUSH", "of-list", "a", "b", "c"], 3],
    ["set", ["SADD", "of-set", "a", "b"], 2],
    ["zset", ["ZADD", "of-zset", "1", "a", "2", "b", "3", "c", "4", "d"], 4],
    ["hash", ["HSET", "of-hash", "a", "1"], 1],
    ["none", ["DEL", "of-none"], 0],
  ])("redis reads the length of a %s", async (kind, command, length) => {
    run(...command);
    const metadata = { host: "redis.shop", port: String(port), listName: `of-${kind}`, activationListLength: "2" };
    const trigger = await buildTrigger({ type: "redis", metadata, auth }, world);
    try {
      expect(await metricOf(trigger)).toEqual({
        name: `redis-of-${kind}`,
        target: 5,
        targetType: "AverageValue",
        isWhole: true,
      });
      expect(await readOnce(trigger)).toEqual({ values: [length], isActive: length > 2 });
    } finally {
      await trigger.close();
    }
  });

  it("redis refuses a key that has no length, and a list of another database is not the same", async () => {
    run("SET", "text", "a");
    run("RPUSH", "only-in-0", "a");
    const address = `127.0.0.1:${port}`;
    const text = await buildTrigger({ type: "redis", metadata: { address, listName: "text" }, auth });
    await expect(readOnce(text)).rejects.toThrow('read the length of "text": a key of type string has no length');
    await text.close();
    const metadata = { address, listName: "only-in-0", databaseIndex: "3" };
    const other = await buildTrigger({ type: "redis", metadata, auth });
    expect(await readOnce(other)).toEqual({ values: [0], isActive: false });
    await other.close();
  });

  it("redis fails at build with a wrong password, and does not show it", async () => {
    const metadata = { address: `127.0.0.1:${port}`, listName: "jobs" };
    const building = buildTrigger({ type: "redis", metadata, auth: { password: "close sesame" } });
    await expect(building).rejects.toThrow(
      `Cannot connect to Redis (single) at 127.0.0.1:${port}: WRONGPASS invalid username-password pair or user is disabled.`,
    );
  });

  it("redis fails a read once its server ended the connection, and closing it twice does no harm", async () => {
    const trigger = await buildTrigger({
      type: "redis",
      metadata: { address: `127.0.0.1:${port}`, listName: "jobs" },
      auth,
    });
    expect(await readOnce(trigger)).toEqual({ values: [0], isActive: false });
    run("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    await expect.poll(() => readOnce(trigger).then(() => "read", String)).toContain('read the length of "jobs": ');
    await trigger.close();
    await trigger.close();
  });

  it.each(["redis", "redis-cluster", "redis-sentinel"])(
    "%s gives up on a server that never answers, and leaves no connection behind",
    async (type) => {
      const open = new Set<Socket>();
      const silent = createServer((socket) => {
        open.add(socket.resume());
        socket.once("close", () => open.delete(socket));
      });
      await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
      const address = silent.address();
      const at = `127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
      const metadata = { address: at, listName: "jobs", sentinelMaster: "m" };
      for (const login of [auth, {}]) {
        const building = buildTrigger({ type, metadata, auth: login }, triggerWorld({ timeoutMs: 300 }));
        await expect(building).rejects.toThrow(/^Cannot connect to Redis \(\w+\) at 127\.0\.0\.1:\d+: /);
        await vi.waitFor(() => expect(open.size).toBe(0));
      }
      silent.close();
    },
  );

  it("redis-streams reads length, pending entries and lag", async () => {
    run("DEL", "orders");
    for (const id of ["1-0", "2-0", "3-0", "4-0"]) run("XADD", "orders", id, "k", "v");
    const at = { address: `127.0.0.1:${port}`, stream: "orders" };
    const read = async (metadata: Record<string, string>) => {
      const trigger = await buildTrigger({ type: "redis-streams", metadata: { ...at, ...metadata }, auth });
      try {
        return { metric: await metricOf(trigger), ...(await readOnce(trigger)) };
      } finally {
        await trigger.close();
      }
    };
    const metric = { name: "redis-streams-orders", targetType: "AverageValue", isWhole: true };
    expect(await read({})).toEqual({ metric: { ...metric, target: 5 }, values: [4], isActive: true });
    // A group that nobody made yet has everything before it; another stream has nothing.
    expect(await read({ consumerGroup: "pickers", lagCount: "2" })).toMatchObject({ values: [4] });
    expect(await read({ stream: "absent", consumerGroup: "pickers", lagCount: "2" })).toMatchObject({
      values: [0],
      isActive: false,
    });
    await expect(read({ consumerGroup: "pickers" })).rejects.toThrow(
      'read the pending entries of group "pickers" of stream "orders": NOGROUP',
    );
    run("XGROUP", "CREATE", "orders", "pickers", "0");
    run("XREADGROUP", "GROUP", "pickers", "anna", "COUNT", "3", "STREAMS", "orders", ">");
    expect(await read({ consumerGroup: "pickers", lagCount: "2", activationLagCount: "1" })).toEqual({
      metric: { ...metric, target: 2 },
      values: [1],
      isActive: false,
    });
    expect(await read({ consumerGroup: "pickers", pendingEntriesCount: "7" })).toEqual({
      metric: { ...metric, target: 7 },
      values: [3],
      isActive: true,
    });
    // A hole after what the group has read: the server cannot count what is left.
    run("XDEL", "orders", "4-0");
    run("XADD", "orders", "5-0", "k", "v");
    await expect(read({ consumerGroup: "pickers", lagCount: "2" })).rejects.toThrow(
      "the server cannot tell it, because entries in the middle of the stream were deleted",
    );
  });

  it("redis-cluster and redis-cluster-streams read from the member that has the key", async () => {
    cli(["-p", String(clusterPort), "RPUSH", "jobs", "a", "b"]);
    cli(["-p", String(clusterPort), "XADD", "orders", "*", "k", "v"]);
    const at = { addresses: `127.0.0.1:${clusterPort},127.0.0.1:1` };
    const list = await buildTrigger({ type: "redis-cluster", metadata: { ...at, listName: "jobs" } });
    expect(await readOnce(list)).toEqual({ values: [2], isActive: true });
    await list.close();
    const metadata = { ...at, stream: "orders", consumerGroup: "g", lagCount: "1" };
    const stream = await buildTrigger({ type: "redis-cluster-streams", metadata });
    expect(await readOnce(stream)).toEqual({ values: [1], isActive: true });
    await stream.close();
  });

  it("redis-sentinel and redis-sentinel-streams ask the sentinel for the master", async () => {
    run("DEL", "behind");
    run("RPUSH", "behind", "a", "b", "c", "d");
    const metadata = { hosts: "127.0.0.1", ports: String(sentinelPort), sentinelMaster: "shop-master" };
    const passwords = { ...auth, sentinelPassword: "watch word" };
    const list = await buildTrigger({
      type: "redis-sentinel",
      metadata: { ...metadata, listName: "behind" },
      auth: passwords,
    });
    expect(await readOnce(list)).toEqual({ values: [4], isActive: true });
    await list.close();
    run("XADD", "seen", "*", "k", "v");
    const stream = await buildTrigger({
      type: "redis-sentinel-streams",
      metadata: { ...metadata, stream: "seen" },
      auth: passwords,
    });
    expect(await readOnce(stream)).toEqual({ values: [1], isActive: true });
    await stream.close();
    const wrong = buildTrigger({ type: "redis-sentinel", metadata: { ...metadata, listName: "behind" }, auth });
    await expect(wrong).rejects.toThrow(/^Cannot connect to Redis \(sentinel\) at /);
  });
});

import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { buildTrigger, readOnce } from "../../../src/cluster/autoscale/triggers/testing/trigger-fixture.ts";
import { findProgram } from "../debian-package.ts";
import { ForeignServers, freePorts } from "./foreign-servers.ts";
import { NatsClient } from "./nats-client.ts";

const nats = findProgram("nats-server", { debianPackage: "nats-server" });
if ("missing" in nats) console.warn(`skipping the NATS trigger: ${nats.missing}`);
const program = "path" in nats ? nats.path : "";
const isLinux = process.platform === "linux";

const servers = new ForeignServers("nats");
let [port, monitorPort] = [0, 0];
let [memberPort, memberMonitorPort, routePort] = [0, 0, 0];

beforeAll(async () => {
  if ("missing" in nats) return;
  [port = 0, monitorPort = 0, memberPort = 0, memberMonitorPort = 0, routePort = 0] = await freePorts(5);
  const store = join(servers.directory, "single");
  servers.start(program, ["-a", "127.0.0.1", "-p", `${port}`, "-m", `${monitorPort}`, "-js", "-sd", store]);
  if (isLinux) for (const number of [1, 2, 3]) startMember(number);
  await Promise.all([port, monitorPort].map((each) => servers.listening(each)));
});

afterAll(() => servers.stop());

/** Members have an address each and share their ports, as pods do. */
function startMember(number: number): void {
  const host = `127.0.0.${number}`;
  const routes = [1, 2, 3].map((each) => `nats://127.0.0.${each}:${routePort}`).join(", ");
  const directory = servers.makeDirectory(`member-${number}`);
  const config = `server_name: n${number}
listen: "${host}:${memberPort}"
http: "${host}:${memberMonitorPort}"
jetstream { store_dir: "${directory}" }
cluster { name: shop, listen: "${host}:${routePort}", routes: [${routes}] }
`;
  servers.start(program, ["-c", servers.place(`member-${number}.conf`, config)]);
}

/** A stream of five messages, of which a consumer got two and confirmed one: four are before it. */
async function prepare(client: NatsClient, replicas: number): Promise<void> {
  const stream = { name: "orders", subjects: ["orders.*"], storage: "memory", num_replicas: replicas };
  // Members elect a leader first.
  await vi.waitFor(() => client.request("$JS.API.STREAM.CREATE.orders", stream), { timeout: 30_000, interval: 200 });
  const config = { durable_name: "pickers", ack_policy: "explicit", ack_wait: 300_000_000_000 };
  await client.request("$JS.API.CONSUMER.DURABLE.CREATE.orders.pickers", { stream_name: "orders", config });
  for (let order = 0; order < 5; order += 1) await client.request(`orders.${order}`, { order });
}

describe.skipIf("missing" in nats)("nats-jetstream against a real server", () => {
  const metadata = { account: "$G", stream: "orders", consumer: "pickers" };

  it("adds what is not delivered and what is not confirmed", async () => {
    const client = await NatsClient.connect(port);
    await prepare(client, 1);
    const endpoint = { natsServerMonitoringEndpoint: `127.0.0.1:${monitorPort}` };
    const type = "nats-jetstream";
    const trigger = await buildTrigger({
      type,
      metadata: { ...endpoint, ...metadata, activationLagThreshold: "4" },
    });
    expect(await readOnce(trigger)).toEqual({ values: [5], isActive: true });
    await client.request("$JS.API.CONSUMER.MSG.NEXT.orders.pickers", "1");
    // Delivered, not confirmed: it still counts.
    expect(await readOnce(trigger)).toEqual({ values: [5], isActive: true });
    await client.request("$JS.API.STREAM.PURGE.orders", { keep: 2 });
    await vi.waitFor(async () => expect((await readOnce(trigger)).isActive).toBe(false));
    const absent = { ...endpoint, ...metadata };
    const reads = [{ consumer: "nobody" }, { stream: "nothing" }, { account: "none" }].map(async (change) =>
      readOnce(await buildTrigger({ type, metadata: { ...absent, ...change } })),
    );
    const at = `from NATS at 127.0.0.1:${monitorPort}: the server has no`;
    expect(
      (await Promise.allSettled(reads)).map((each) => (each.status === "rejected" ? String(each.reason) : each)),
    ).toEqual([
      `Failure: Cannot read consumer "nobody" of stream "orders" ${at} consumer "nobody"`,
      `Failure: Cannot read consumer "pickers" of stream "nothing" ${at} stream "nothing"`,
      `Failure: Cannot read consumer "pickers" of stream "orders" ${at} account "none"`,
    ]);
    client.close();
    await trigger.close();
  });

  it.skipIf(!isLinux)("asks the member of a cluster that leads the consumer, whichever is asked first", async () => {
    const client = await NatsClient.connect(memberPort);
    await prepare(client, 3);
    for (const number of [1, 2, 3]) {
      const natsServerMonitoringEndpoint = `127.0.0.${number}:${memberMonitorPort}`;
      const trigger = await buildTrigger({
        type: "nats-jetstream",
        metadata: { ...metadata, natsServerMonitoringEndpoint },
      });
      expect(await readOnce(trigger)).toEqual({ values: [5], isActive: true });
      // The second read goes to the leader at once.
      expect(await readOnce(trigger)).toEqual({ values: [5], isActive: true });
      await trigger.close();
    }
    client.close();
  });
});

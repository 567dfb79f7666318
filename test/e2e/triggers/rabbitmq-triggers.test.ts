import { connect as connectTcp, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { type Channel, connect } from "amqplib";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import {
  buildTrigger,
  readOnce,
  type TriggerCase,
  triggerWorld,
} from "../../../src/cluster/autoscale/triggers/testing/trigger-fixture.ts";
import { makeCertificate, type TestCertificate } from "./certificates.ts";
import { findProgram } from "../debian-package.ts";
import { ForeignServers, freePorts } from "./foreign-servers.ts";

const rabbit = findProgram("rabbitmq-server", {
  debianPackage: "rabbitmq-server",
  folders: () => ["/usr/lib/rabbitmq/bin"],
});
if ("missing" in rabbit) console.warn(`skipping the RabbitMQ trigger: ${rabbit.missing}`);

const servers = new ForeignServers("rabbitmq");
let certificate: TestCertificate;
let [port, tlsPort, apiPort, secureApiPort, distributionPort, epmdPort] = [0, 0, 0, 0, 0, 0];
let channel: Channel;
const world = triggerWorld({ resolve: (host) => (host.endsWith(".shop") ? "127.0.0.1" : host) });

beforeAll(async () => {
  if ("missing" in rabbit) return;
  [port = 0, tlsPort = 0, apiPort = 0, secureApiPort = 0, distributionPort = 0, epmdPort = 0] = await freePorts(6);
  // Without one of its own Erlang leaves a daemon behind.
  const epmd = findProgram("epmd", { debianPackage: "erlang-base" });
  servers.start("path" in epmd ? epmd.path : "epmd", ["-port", `${epmdPort}`, "-address", "127.0.0.1"]);
  await servers.listening(epmdPort);
  certificate = await makeCertificate(servers, "broker.shop");
  startBroker();
  await Promise.all([port, tlsPort, apiPort, secureApiPort].map((each) => servers.listening(each)));
  const connection = await connect(`amqp://anna:open%20sesame@127.0.0.1:${port}/shop`);
  connection.on("error", () => undefined);
  channel = await connection.createChannel();
}, 60_000);

afterAll(() => servers.stop());

/** The program of the package drops to a user of its own, so the script behind it is run. */
function startBroker(): void {
  const { directory } = servers;
  const tls = (prefix: string) =>
    `${prefix}.certfile = ${certificate.certFile}\n${prefix}.keyfile = ${certificate.keyFile}\n`;
  const config = `listeners.tcp.1 = 127.0.0.1:${port}
listeners.ssl.1 = 127.0.0.1:${tlsPort}
${tls("ssl_options")}
management.tcp.ip = 127.0.0.1
management.tcp.port = ${apiPort}
management.ssl.ip = 127.0.0.1
management.ssl.port = ${secureApiPort}
${tls("management.ssl")}
default_user = anna
default_pass = open sesame
default_vhost = shop
collect_statistics_interval = 250
`;
  servers.start(join("/usr/lib/rabbitmq/bin", "rabbitmq-server"), [], {
    HOME: directory,
    ERL_EPMD_PORT: `${epmdPort}`,
    RABBITMQ_NODENAME: `serin${port}@localhost`,
    RABBITMQ_DIST_PORT: `${distributionPort}`,
    RABBITMQ_CONFIG_FILE: servers.place("rabbitmq.conf", config),
    RABBITMQ_ENABLED_PLUGINS_FILE: servers.place("plugins", "[rabbitmq_management]."),
    RABBITMQ_MNESIA_BASE: join(directory, "mnesia"),
    RABBITMQ_LOG_BASE: join(directory, "log"),
    RABBITMQ_PID_FILE: join(directory, "pid"),
    RABBITMQ_CONF_ENV_FILE: join(directory, "no-such-file"),
  });
}

/** A queue with so many messages. */
async function fill(queue: string, count: number): Promise<void> {
  await channel.assertQueue(queue, { durable: true });
  for (let index = 0; index < count; index += 1) channel.sendToQueue(queue, Buffer.from("x"));
}

async function readAll(given: Omit<TriggerCase, "type">) {
  const trigger = await buildTrigger({ type: "rabbitmq", ...given }, world);
  try {
    return await readOnce(trigger);
  } finally {
    await trigger.close();
  }
}

const auth = { username: "anna", password: "open sesame" };

describe.skipIf("missing" in rabbit)("rabbitmq against a real server", () => {
  it("counts ready messages over AMQP, and says which queue is not there", async () => {
    await fill("jobs", 3);
    const host = `amqp://anna:open%20sesame@rabbitmq.shop:${port}/shop`;
    const trigger = await buildTrigger(
      { type: "rabbitmq", metadata: { host, queueName: "jobs", activationValue: "3" } },
      world,
    );
    await vi.waitFor(async () => expect(await readOnce(trigger)).toEqual({ values: [3], isActive: false }));
    await channel.get("jobs");
    // The one that somebody works on is not counted over AMQP.
    expect(await readOnce(trigger)).toEqual({ values: [2], isActive: false });
    await trigger.close();
    const absent = await buildTrigger({ type: "rabbitmq", metadata: { host, queueName: "nothing" } }, world);
    for (const _again of [1, 2])
      await expect(readOnce(absent)).rejects.toThrow(
        /^Cannot read queue "nothing" over AMQP: Operation failed: QueueDeclare; 404 \(NOT-FOUND\)/,
      );
    await absent.close();
    await expect(readOnce(absent)).rejects.toThrow(/^Cannot read queue "nothing" over AMQP: /);
  });

  it("takes login and vhost of their own, and shows no password when they are wrong", async () => {
    await fill("jobs-2", 1);
    const metadata = { host: `amqp://127.0.0.1:${port}`, queueName: "jobs-2", vhostName: "shop" };
    await vi.waitFor(async () => expect(await readAll({ metadata, auth })).toEqual({ values: [1], isActive: true }));
    const wrong = readAll({ metadata, auth: { ...auth, password: "close sesame" } });
    await expect(wrong).rejects.toThrow(
      /^Cannot connect to RabbitMQ at amqp:\/\/127\.0\.0\.1:\d+, vhost "shop": .*ACCESS_REFUSED/,
    );
    await expect(wrong).rejects.not.toThrow(/sesame/);
    await expect(readAll({ metadata: { ...metadata, vhostName: "none" }, auth })).rejects.toThrow(/, vhost "none": /);
  });

  it("gives up on a connection that falls silent, and fails reads after it at once", async () => {
    await fill("jobs-4", 1);
    const passages: Socket[] = [];
    const passage = createServer((near) => {
      const far = connectTcp(port, "127.0.0.1");
      near.pipe(far).pipe(near);
      for (const socket of [near, far]) socket.on("error", () => undefined);
      passages.push(near, far);
    });
    await new Promise<void>((resolve) => passage.listen(0, "127.0.0.1", resolve));
    const address = passage.address();
    const host = `amqp://127.0.0.1:${typeof address === "object" ? address?.port : 0}/shop`;
    const hasty = triggerWorld({ timeoutMs: 1000 });
    const trigger = await buildTrigger({ type: "rabbitmq", metadata: { host, queueName: "jobs-4" }, auth }, hasty);
    await vi.waitFor(async () => expect(await readOnce(trigger)).toEqual({ values: [1], isActive: true }));
    for (const socket of passages) socket.unpipe().resume();
    await expect(readOnce(trigger)).rejects.toThrow('Cannot read queue "jobs-4" over AMQP: no answer within 1s');
    await expect(readOnce(trigger)).rejects.toThrow(/^Cannot read queue "jobs-4" over AMQP: (?!no answer)/);
    await trigger.close();
    await vi.waitFor(() => expect(passages[0]?.closed).toBe(true));
    for (const socket of passages) socket.destroy();
    passage.close();
  });

  it("checks the server's certificate over amqps and https", async () => {
    await fill("jobs-3", 2);
    const hosts = [`amqps://broker.shop:${tlsPort}/shop`, `https://broker.shop:${secureApiPort}/shop`];
    for (const host of hosts) {
      const metadata = { host, queueName: "jobs-3" };
      const { ca } = certificate;
      await vi.waitFor(
        async () =>
          expect(await readAll({ metadata, auth: { ...auth, tls: "enable", ca } })).toMatchObject({ values: [2] }),
        { timeout: 10_000, interval: 200 },
      );
      expect(await readAll({ metadata: { ...metadata, unsafeSsl: "true" }, auth })).toMatchObject({ values: [2] });
      if (host.startsWith("amqps"))
        await expect(readAll({ metadata, auth })).rejects.toThrow("unable to verify the first certificate");
    }
  });

  it("counts all messages over HTTP, or those that are ready", async () => {
    await fill("work", 4);
    await channel.get("work");
    const metadata = { host: `http://anna:open%20sesame@rabbitmq.shop:${apiPort}/shop`, queueName: "work" };
    await vi.waitFor(
      async () => {
        expect(await readAll({ metadata })).toEqual({ values: [4], isActive: true });
        expect(await readAll({ metadata: { ...metadata, excludeUnacknowledged: "true" } })).toEqual({
          values: [3],
          isActive: true,
        });
      },
      { timeout: 10_000, interval: 200 },
    );
    await expect(readAll({ metadata: { ...metadata, queueName: "nothing" } })).rejects.toThrow(
      `Cannot read queue "nothing" from RabbitMQ at http://rabbitmq.shop:${apiPort}: the server answered with HTTP status 404`,
    );
  });

  it("combines the queues that an expression matches, and refuses more than a page of them", async () => {
    await fill("part-1", 1);
    await fill("part-2", 4);
    const metadata = { host: `http://127.0.0.1:${apiPort}/shop`, queueName: "^part-\\d$", useRegex: "true" };
    const read = async (change: Record<string, string>) =>
      (await readAll({ metadata: { ...metadata, ...change }, auth })).values;
    await vi.waitFor(async () => expect(await read({})).toEqual([5]), { timeout: 10_000, interval: 200 });
    expect(await read({ operation: "avg" })).toEqual([2]);
    expect(await read({ operation: "max" })).toEqual([4]);
    expect(await read({ queueName: "^nobody$" })).toEqual([0]);
    await expect(read({ pageSize: "1" })).rejects.toThrow("matches more queues than one page of 1 holds");
  });

  it("reads rates once the server has measured them", async () => {
    const host = `http://127.0.0.1:${apiPort}/shop`;
    const metadata = { host, queueName: "busy", mode: "MessageRate", value: "1" };
    await vi.waitFor(
      async () => {
        await fill("busy", 5);
        const [rate = 0] = (await readAll({ metadata, auth })).values;
        expect(rate).toBeGreaterThan(0);
      },
      { timeout: 20_000, interval: 300 },
    );
    const ratio = { ...metadata, mode: "PublishedToDeliveredRatio", activationValue: "7" };
    // Nobody ever consumed: the threshold itself, and work to do.
    expect(await readAll({ metadata: ratio, auth })).toEqual({ values: [7], isActive: true });
  });
});

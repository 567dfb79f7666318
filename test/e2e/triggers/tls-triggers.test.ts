import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  buildTrigger,
  readOnce,
  triggerWorld,
} from "../../../src/cluster/autoscale/triggers/testing/trigger-fixture.ts";
import {
  type KafkaFixture,
  startKafkaFixture,
} from "../../../src/cluster/autoscale/triggers/testing/broker-fixture.ts";
import { makeCertificate, type TestCertificate } from "./certificates.ts";
import { findProgram } from "../debian-package.ts";
import { ForeignServers, freePorts } from "./foreign-servers.ts";

const redis = findProgram("redis-server", { debianPackage: "redis-server" });
if ("missing" in redis) console.warn(`skipping Redis over TLS: ${redis.missing}`);

const servers = new ForeignServers("tls");
const world = triggerWorld({ resolve: (host) => (host === "broker.shop" ? "127.0.0.1" : host) });
let files: TestCertificate;
let port = 0;
let kafka: KafkaFixture | undefined;

beforeAll(async () => {
  files = await makeCertificate(servers, "broker.shop");
  kafka = await startKafkaFixture({ brokerCount: 1, host: "broker.shop", tls: { cert: files.cert, key: files.key } });
  kafka.topics.set("orders", [{ leader: 0, newest: 7n, committed: 4n }]);
  if ("missing" in redis) return;
  [port = 0] = await freePorts(1);
  const tls = ["--tls-cert-file", files.certFile, "--tls-key-file", files.keyFile, "--tls-ca-cert-file", files.caFile];
  const where = ["--port", "0", "--tls-port", `${port}`, "--bind", "127.0.0.1", "--save", ""];
  servers.start(redis.path, [...where, ...tls, "--tls-auth-clients", "yes"]);
  await servers.listening(port);
});

afterAll(async () => {
  await kafka?.close();
  await servers.stop();
});

describe("triggers over TLS", () => {
  it.skipIf("missing" in redis)("redis shows its certificate and checks the server's", async () => {
    const metadata = { address: `broker.shop:${port}`, listName: "jobs" };
    const auth = { tls: "enable", ca: files.ca, cert: files.cert, key: files.key };
    const trigger = await buildTrigger({ type: "redis", metadata, auth }, world);
    expect(await readOnce(trigger)).toEqual({ values: [0], isActive: false });
    await trigger.close();
    const { ca: _, ...unknown } = auth;
    await expect(buildTrigger({ type: "redis", metadata, auth: unknown }, world)).rejects.toThrow(
      `Cannot connect to Redis (single) at broker.shop:${port}: self-signed certificate in certificate chain`,
    );
    const unsafe = await buildTrigger(
      { type: "redis", metadata: { ...metadata, unsafeSsl: "true" }, auth: unknown },
      world,
    );
    await unsafe.close();
    const nobody = buildTrigger(
      { type: "redis", metadata: { ...metadata, enableTLS: "true" }, auth: { ca: files.ca } },
      world,
    );
    await expect(nobody).rejects.toThrow(/^Cannot connect to Redis \(single\) at broker\.shop:\d+: /);
  });

  it("kafka checks the certificate of every broker by the name that it gives", async () => {
    const metadata = {
      bootstrapServers: `127.0.0.1:${kafka?.ports[0]}`,
      consumerGroup: "g",
      topic: "orders",
      tls: "enable",
    };
    const trigger = await buildTrigger({ type: "kafka", metadata, auth: { ca: files.ca } }, world);
    expect(await readOnce(trigger)).toEqual({ values: [3], isActive: true });
    await trigger.close();
    await expect(buildTrigger({ type: "kafka", metadata }, world)).rejects.toThrow(
      `Cannot connect to Kafka at 127.0.0.1:${kafka?.ports[0]}: Connection error: unable to verify the first certificate`,
    );
    const unsafe = await buildTrigger({ type: "kafka", metadata: { ...metadata, unsafeSsl: "true" } }, world);
    expect(await readOnce(unsafe)).toMatchObject({ values: [3] });
    await unsafe.close();
  });
});

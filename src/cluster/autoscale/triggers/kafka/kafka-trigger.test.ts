import { afterEach, expect, it, vi } from "vitest";
import { buildTrigger, metricOf, readOnce, type TriggerCase, triggerWorld } from "../testing/trigger-fixture.ts";
import { type KafkaFixture, type KafkaFixtureOptions, startKafkaFixture } from "../testing/broker-fixture.ts";

const type = "kafka";
const metadata = { bootstrapServers: "127.0.0.1:1", consumerGroup: "pickers", topic: "orders" };
const { topic: _, ...withoutTopic } = metadata;

const refused: readonly (Omit<TriggerCase, "type"> & { readonly says: string })[] = [
  {
    metadata: {},
    says:
      'missing required parameter "bootstrapServers" in [triggerMetadata, resolvedEnv]; ' +
      'missing required parameter "consumerGroup" in [triggerMetadata, resolvedEnv]',
  },
  { metadata: { ...metadata, bootstrapServers: "a:1, b" }, says: 'bootstrap server "b" is not host:port' },
  {
    metadata: { ...metadata, bootstrapServers: "me:geheim@a:1,b:2" },
    says: 'bootstrap server must be host:port alone, without a scheme; give the login as "username" and "password"',
  },
  { metadata: { ...metadata, lagThreshold: "0" }, says: 'parameter "lagThreshold" value "0" must be 1 or more' },
  {
    metadata: { ...metadata, activationLagThreshold: "-1" },
    says: 'parameter "activationLagThreshold" value "-1" must be 0 or more',
  },
  {
    metadata: { ...metadata, offsetResetPolicy: "none" },
    says: 'parameter "offsetResetPolicy" value "none" must be one of [latest earliest]',
  },
  {
    metadata: { ...metadata, partitionLimitation: "1,a-b" },
    says: '"a-b" in "partitionLimitation" is neither a partition nor a range of them, such as 1,3-5',
  },
  {
    metadata: { ...metadata, limitToPartitionsWithLag: "true", allowIdleConsumers: "true" },
    says: '"limitToPartitionsWithLag" and "allowIdleConsumers" exclude each other; remove one',
  },
  {
    metadata: { ...metadata, limitToPartitionsWithLag: "true", ensureEvenDistributionOfPartitions: "true" },
    says: '"limitToPartitionsWithLag" and "ensureEvenDistributionOfPartitions" exclude each other; remove one',
  },
  {
    metadata: { ...withoutTopic, limitToPartitionsWithLag: "true" },
    says: '"limitToPartitionsWithLag" needs a "topic"',
  },
  {
    metadata: { ...withoutTopic, ensureEvenDistributionOfPartitions: "true" },
    says: '"ensureEvenDistributionOfPartitions" needs a "topic"',
  },
  { metadata: { ...metadata, version: "2.8" }, says: '"version" is "2.8"; write it as 1.0.0' },
  {
    metadata: { ...metadata, tls: "on" },
    says: 'parameter "tls" value "on" must be one of [enable disable]',
  },
  {
    metadata: { ...metadata, tls: "enable" },
    auth: { key: "PEM" },
    says: '"key" is given without "cert"; give both or none',
  },
  {
    metadata: { ...metadata, sasl: "plaintext" },
    auth: { username: "anna" },
    says: 'missing required parameter "password" in [authParams]',
  },
  ...["oauthbearer", "gssapi"].map((sasl) => ({
    metadata: { ...metadata, sasl },
    says: `sasl "${sasl}" is not executed by the embedded cluster; use plaintext, scram_sha256, scram_sha512 or certificates`,
  })),
  {
    metadata: { ...metadata, sasl: "digest" },
    says: 'parameter "sasl" value "digest" must be one of [none plaintext scram_sha256 scram_sha512 oauthbearer gssapi]',
  },
  {
    metadata,
    metricType: "Utilization",
    says: 'metricType "Utilization" is not one of this trigger: write AverageValue or Value',
  },
  {
    metadata,
    podIdentity: "aws",
    says: 'podIdentity "aws" is not executed by the embedded cluster; give a user name and a password, or certificates',
  },
];

it.each(refused)("build of kafka refuses $metadata $auth: $says", async ({ says, ...given }) => {
  await expect(buildTrigger({ type, ...given })).rejects.toMatchObject({
    code: "InvalidTrigger",
    message: `error parsing kafka metadata: ${says}`,
  });
});

let fixture: KafkaFixture | undefined;
afterEach(() => fixture?.close());

async function startBrokers(change: Partial<KafkaFixtureOptions> = {}): Promise<KafkaFixture> {
  fixture = await startKafkaFixture({ brokerCount: 2, host: "kafka.shop", ...change });
  fixture.topics.set("orders", [
    { leader: 0, newest: 12n, committed: 5n },
    { leader: 1, newest: 3n, committed: 3n },
    { leader: 1, newest: 9n, committed: -1n },
  ]);
  return fixture;
}

/** The brokers say that they are found under the name of a Service, which only the cluster knows. */
const world = triggerWorld({ resolve: (host) => (host === "kafka.shop" ? "127.0.0.1" : host) });

it("kafka reads each partition from the broker that leads it, by the names that the brokers give", async () => {
  const { ports, requests, topics } = await startBrokers();
  const bootstrapServers = `kafka.shop:${ports[0]}`;
  const trigger = await buildTrigger({ type, metadata: { ...metadata, bootstrapServers, lagThreshold: "4" } }, world);
  const metric = { name: "kafka-orders", target: 4, targetType: "AverageValue", isWhole: true };
  expect(await metricOf(trigger)).toEqual(metric);
  expect(await readOnce(trigger)).toEqual({ values: [8], isActive: true });
  expect(requests).toEqual(
    expect.arrayContaining([
      "OffsetFetch of pickers",
      "ListOffsets of orders at broker 0",
      "ListOffsets of orders at broker 1",
    ]),
  );
  expect(requests).not.toContain("Metadata creates topics: true");
  topics.set("orders", [{ leader: 0, newest: 12n, committed: 12n }, ...(topics.get("orders") ?? []).slice(1, 2)]);
  expect(await readOnce(trigger)).toEqual({ values: [0], isActive: false });
  await trigger.close();
});

it("kafka leaves out partitions that the limitation leaves out, and fails when none is left", async () => {
  const { ports } = await startBrokers();
  const given = { ...metadata, bootstrapServers: `127.0.0.1:${ports[1]}`, allowIdleConsumers: "true" };
  const read = async (partitionLimitation: string) => {
    const trigger = await buildTrigger({ type, metadata: { ...given, partitionLimitation } }, world);
    try {
      return await readOnce(trigger);
    } finally {
      await trigger.close();
    }
  };
  expect(await read("0")).toEqual({ values: [7], isActive: true });
  expect(await read("1-2")).toEqual({ values: [1], isActive: true });
  await expect(read("7-9")).rejects.toThrow(
    'Cannot read the lag of group "pickers" on topic "orders" of Kafka: topic "orders" has none of the partitions that are asked for',
  );
});

it("kafka without a topic reads every topic of the group, and nothing when it has none", async () => {
  const { ports, topics } = await startBrokers();
  topics.set("returns", [{ leader: 0, newest: 4n, committed: 2n }]);
  const given = { ...withoutTopic, bootstrapServers: `127.0.0.1:${ports[0]}`, partitionLimitation: "0" };
  const trigger = await buildTrigger({ type, metadata: given }, world);
  expect(await metricOf(trigger)).toMatchObject({ name: "kafka-pickers-topics", target: 10 });
  expect(await readOnce(trigger)).toEqual({ values: [10], isActive: true });
  topics.clear();
  expect(await readOnce(trigger)).toEqual({ values: [0], isActive: false });
  await trigger.close();
});

it("kafka takes a partition whose newest offset is missing as without lag", async () => {
  const { ports, topics } = await startBrokers();
  for (const partition of topics.get("orders")?.slice(0, 1) ?? []) partition.isHidden = true;
  const trigger = await buildTrigger(
    { type, metadata: { ...metadata, bootstrapServers: `127.0.0.1:${ports[0]}` } },
    world,
  );
  expect(await readOnce(trigger)).toEqual({ values: [1], isActive: true });
  await trigger.close();
});

it("kafka with excludePersistentLag stops counting a partition that stands still from one reading to the next", async () => {
  const { ports } = await startBrokers();
  const given = { ...metadata, bootstrapServers: `127.0.0.1:${ports[0]}`, excludePersistentLag: "true" };
  const trigger = await buildTrigger({ type, metadata: given }, world);
  expect(await readOnce(trigger)).toEqual({ values: [8], isActive: true });
  expect(await readOnce(trigger)).toEqual({ values: [1], isActive: true });
  await trigger.close();
});

it("kafka comes by servers that are down, and fails for a topic that is not there", async () => {
  const { ports } = await startBrokers();
  const bootstrapServers = `127.0.0.1:1,127.0.0.1:${ports[0]},127.0.0.1:2`;
  const trigger = await buildTrigger({ type, metadata: { ...metadata, bootstrapServers } }, world);
  expect(await readOnce(trigger)).toMatchObject({ values: [8] });
  await trigger.close();
  const absent = await buildTrigger({ type, metadata: { ...metadata, bootstrapServers, topic: "none" } }, world);
  await expect(readOnce(absent)).rejects.toMatchObject({
    code: "TriggerUnreadable",
    message:
      'Cannot read the lag of group "pickers" on topic "none" of Kafka: This server does not host this topic-partition',
  });
  await absent.close();
  await expect(readOnce(absent)).rejects.toThrow(/^Cannot read the lag of group "pickers" on topic "none" of Kafka: /);
});

it.each([
  ["plaintext", "PLAIN", "SASL PLAIN authentication failed: refused anna ***"],
  ["scram_sha256", "SCRAM-SHA-256", "SASL SCRAM SHA256 authentication failed: refused "],
  ["scram_sha512", "SCRAM-SHA-512", "SASL SCRAM SHA512 authentication failed: refused "],
])("kafka logs in with %s, and shows no password when it is wrong", async (sasl, mechanism, says) => {
  const { ports, requests } = await startBrokers({ login: { username: "anna", password: "open sesame" } });
  const given = { ...metadata, bootstrapServers: `127.0.0.1:${ports[0]}`, sasl };
  const auth = { username: "anna", password: "open sesame" };
  const trigger = await buildTrigger({ type, metadata: given, auth }, world);
  expect(await readOnce(trigger)).toMatchObject({ values: [8] });
  expect(requests).toContain(`SaslHandshake with ${mechanism}`);
  await trigger.close();
  const wrong = buildTrigger({ type, metadata: given, auth: { ...auth, password: "close sesame" } }, world);
  await expect(wrong).rejects.toThrow(`Cannot connect to Kafka at 127.0.0.1:${ports[0]}: ${says}`);
  await expect(wrong).rejects.not.toThrow(/sesame/);
});

it("kafka gives up on brokers that never answer, and leaves no connection behind", async () => {
  const { ports, sockets } = await startBrokers({ isSilent: true });
  const building = buildTrigger(
    { type, metadata: { ...metadata, bootstrapServers: `127.0.0.1:${ports[0]}` } },
    triggerWorld({ timeoutMs: 150 }),
  );
  await expect(building).rejects.toThrow(/^Cannot connect to Kafka at 127\.0\.0\.1:\d+: /);
  await vi.waitFor(() => expect(sockets.size).toBe(0));
});

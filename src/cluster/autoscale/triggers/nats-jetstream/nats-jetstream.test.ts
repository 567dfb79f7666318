import { MockAgent } from "undici";
import { expect, it } from "vitest";
import { buildTrigger, metricOf, readOnce, type TriggerCase, triggerWorld } from "../testing/trigger-fixture.ts";
import { clusterSizeIn, consumerIn, serverIn } from "./monitoring.ts";

const type = "nats-jetstream";
const metadata = {
  natsServerMonitoringEndpoint: "nats.shop:8222",
  account: "$G",
  stream: "orders",
  consumer: "pickers",
};
const { natsServerMonitoringEndpoint: _, ...withoutEndpoint } = metadata;

const refused: readonly (Omit<TriggerCase, "type"> & { readonly says: string })[] = [
  {
    metadata: {},
    says:
      'missing required parameter "natsServerMonitoringEndpoint" in [authParams, triggerMetadata]; no account is given; ' +
      'set "account" to its name or "accountID" to its id; missing required parameter "stream" in [triggerMetadata]; ' +
      'missing required parameter "consumer" in [triggerMetadata]',
  },
  {
    metadata: { ...metadata, natsServerMonitoringEndpoint: "http://nats.shop:8222" },
    says: 'natsServerMonitoringEndpoint "http://nats.shop:8222" is not host:port',
  },
  {
    metadata: { ...metadata, natsServerMonitoringEndpoint: "anna:secret@nats.shop:8222" },
    says: 'natsServerMonitoringEndpoint "***@nats.shop:8222" is not host:port',
  },
  { metadata: { ...metadata, lagThreshold: "0" }, says: 'parameter "lagThreshold" value "0" must be 1 or more' },
  {
    metadata: { ...metadata, activationLagThreshold: "few" },
    says: 'unable to set param "activationLagThreshold" value "few": it is not a whole number',
  },
  {
    metadata: { ...metadata, useHttps: "perhaps" },
    says: 'unable to set param "useHttps" value "perhaps": it is neither true nor false',
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

it.each(refused)("build of nats-jetstream refuses $metadata $metricType: $says", async ({ says, ...given }) => {
  await expect(buildTrigger({ type, ...given })).rejects.toMatchObject({
    code: "InvalidTrigger",
    message: `error parsing nats-jetstream metadata: ${says}`,
  });
});

it("metrics of nats-jetstream is named after the stream, with the threshold of the metadata or 10", async () => {
  const plain = await buildTrigger({ type, metadata });
  const metric = { name: "nats-jetstream-orders", targetType: "AverageValue", isWhole: true };
  expect(await metricOf(plain)).toEqual({ ...metric, target: 10 });
  const auth = { natsServerMonitoringEndpoint: "nats.shop:8222", accountID: "AC1" };
  const { account: __, ...rest } = withoutEndpoint;
  const other = await buildTrigger({ type, metadata: { ...rest, lagThreshold: "3" }, auth, metricType: "Value" });
  expect(await metricOf(other)).toEqual({ ...metric, target: 3, targetType: "Value" });
});

const name = { account: "shop", accountId: "AC1", stream: "orders", consumer: "pickers" };
const consumer = { name: "pickers", num_pending: 7, num_ack_pending: 2, cluster: { leader: "n1" } };
const jsz = (...streams: unknown[]) => ({ account_details: [{ id: "AC1", name: "shop", stream_detail: streams }] });

it.each([
  ["the consumer", jsz({ name: "orders", consumer_detail: [consumer] }), { kind: "found", lag: 9, leader: "n1" }],
  [
    "a consumer without a cluster",
    jsz({ name: "orders", consumer_detail: [{ ...consumer, cluster: undefined }] }),
    { kind: "found", lag: 9, leader: undefined },
  ],
  [
    "an account of another id and the right name",
    { account_details: [{ id: "X", name: "shop", stream_detail: [{ name: "orders", consumer_detail: [consumer] }] }] },
    { kind: "found", lag: 9, leader: "n1" },
  ],
  [
    "counts that are none",
    jsz({ name: "orders", consumer_detail: [{ ...consumer, num_pending: "7" }] }),
    { kind: "found", lag: Number.NaN, leader: "n1" },
  ],
  ["no consumer", jsz({ name: "orders" }), { kind: "absent", missing: "consumer" }],
  ["another stream", jsz({ name: "returns", consumer_detail: [consumer] }), { kind: "absent", missing: "stream" }],
  ["no account", {}, { kind: "absent", missing: "account" }],
  ["no object", "nonsense", { kind: "absent", missing: "account" }],
])("consumerIn reads %s", (_what, answer, sight) => {
  expect(consumerIn(answer, name)).toEqual(sight);
});

it("clusterSizeIn and serverIn take what is missing as a server on its own", () => {
  expect(
    [{}, { meta_cluster: { cluster_size: 3 } }, { meta_cluster: { cluster_size: -1 } }].map(clusterSizeIn),
  ).toEqual([1, 3, 1]);
  expect(serverIn({})).toEqual({ name: "", clientUrls: [], routeUrls: [] });
  expect(serverIn({ server_name: "n1", connect_urls: ["a:1", 2], cluster: { urls: ["b:2"] } })).toEqual({
    name: "n1",
    clientUrls: ["a:1"],
    routeUrls: ["b:2"],
  });
});

it.each([
  ["HTTP status 503", 503, "no", "Cannot ask http://nats.shop:8222: the server answered with HTTP status 503"],
  ["no JSON", 200, "<html>", "Cannot ask http://nats.shop:8222: the server's answer is no JSON"],
  ["another account", 200, { account_details: [] }, 'the server has no account "$G"'],
])("read of nats-jetstream fails for %s", async (_what, status, body, says) => {
  const agent = new MockAgent();
  agent.disableNetConnect();
  agent
    .get("http://nats.shop:8222")
    .intercept({ path: "/jsz?acc=%24G&consumers=true&config=true" })
    .reply(status, body);
  const trigger = await buildTrigger({ type, metadata }, triggerWorld({ http: agent }));
  await expect(readOnce(trigger)).rejects.toMatchObject({
    code: "TriggerUnreadable",
    message: `Cannot read consumer "pickers" of stream "orders" from NATS at nats.shop:8222: ${says}`,
  });
});

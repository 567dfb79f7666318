import { createServer, type Socket } from "node:net";
import { expect, it, vi } from "vitest";
import { TriggerConfig } from "../parameters/trigger-config.ts";
import { buildTrigger, metricOf, type TriggerCase, triggerWorld } from "../testing/trigger-fixture.ts";
import { queuesUrl } from "./management-api.ts";
import { readRabbitSettings } from "./rabbitmq-settings.ts";

const type = "rabbitmq";
const http = { host: "http://anna:open%20sesame@rabbitmq.shop:15672/orders", queueName: "jobs" };
const amqp = { host: "amqp://anna:open%20sesame@rabbitmq.shop/orders", queueName: "jobs" };
const needs = "needs the HTTP API; give a host of http or https";

const refused: readonly (Omit<TriggerCase, "type"> & { readonly says: string })[] = [
  {
    metadata: {},
    says:
      'missing required parameter "queueName" in [triggerMetadata]; ' +
      'missing required parameter "host" in [triggerMetadata, authParams, resolvedEnv]',
  },
  {
    metadata: { ...http, host: "anna:open sesame@rabbitmq" },
    says: '"host" is no URL; write amqp://USER:PASSWORD@HOST:5672/VHOST or http://USER:PASSWORD@HOST:15672/VHOST',
  },
  {
    metadata: { ...http, host: "ftp://rabbitmq" },
    says: 'the scheme "ftp" of "host" is unknown; write amqp, amqps, http or https',
  },
  {
    metadata: { ...http, protocol: "amqp" },
    says: 'protocol "amqp" does not fit the scheme "http" of "host"; change one of them',
  },
  {
    metadata: { ...http, protocol: "stomp" },
    says: 'parameter "protocol" value "stomp" must be one of [auto amqp http]',
  },
  {
    metadata: { ...http, operation: "median" },
    says: 'parameter "operation" value "median" must be one of [sum avg max]',
  },
  { metadata: { ...http, pageSize: "0" }, says: 'parameter "pageSize" value "0" must be 1 or more' },
  {
    metadata: { ...http, mode: "Depth", value: "1" },
    says:
      'parameter "mode" value "Depth" must be one of [QueueLength MessageRate DeliverGetRate PublishedToDeliveredRatio ' +
      "ExpectedQueueConsumptionTime]",
  },
  {
    metadata: { ...http, value: "1" },
    says:
      '"mode" is missing; give one of QueueLength, MessageRate, DeliverGetRate, PublishedToDeliveredRatio, ' +
      'ExpectedQueueConsumptionTime beside "value"',
  },
  { metadata: { ...http, mode: "MessageRate" }, says: '"value" is missing; give more than 0 beside "mode"' },
  { metadata: { ...http, mode: "MessageRate", value: "-1" }, says: '"value" is negative; give more than 0' },
  {
    metadata: { ...http, queueLength: "5", mode: "QueueLength", value: "5" },
    says: '"queueLength" is deprecated and cannot stand beside "mode" and "value"; remove it',
  },
  {
    metadata: { ...http, activationValue: "some" },
    says: 'unable to set param "activationValue" value "some": it is not a number',
  },
  { metadata: { ...amqp, mode: "MessageRate", value: "1" }, says: `mode "MessageRate" ${needs}` },
  { metadata: { ...amqp, useRegex: "true" }, says: `"useRegex" ${needs}` },
  { metadata: { ...amqp, excludeUnacknowledged: "true" }, says: `"excludeUnacknowledged" ${needs}` },
  { metadata: { ...amqp, timeout: "1s" }, says: `"timeout" ${needs}` },
  { metadata: http, auth: { username: "anna" }, says: '"username" and "password" must be given together' },
  { metadata: http, auth: { key: "PEM" }, says: '"key" is given without "cert"; give both or none' },
  { metadata: http, auth: { tls: "yes" }, says: 'parameter "tls" value "yes" must be one of [enable disable]' },
  {
    metadata: http,
    auth: { workloadIdentityResource: "api://rabbit" },
    says: '"workloadIdentityResource" is not executed by the embedded cluster; give "username" and "password"',
  },
  {
    metadata: http,
    auth: { oauthTokenURI: "https://tokens" },
    says: '"oauthTokenURI" is not executed by the embedded cluster; give "username" and "password"',
  },
  {
    metadata: http,
    metricType: "Utilization",
    says: 'metricType "Utilization" is not one of this trigger: write AverageValue or Value',
  },
  {
    metadata: http,
    podIdentity: "azure-workload",
    says: 'podIdentity "azure-workload" is not executed by the embedded cluster; give a user name and a password, or certificates',
  },
];

it.each(refused)("build of rabbitmq refuses $metadata $auth: $says", async ({ says, ...given }) => {
  await expect(buildTrigger({ type, ...given })).rejects.toMatchObject({
    code: "InvalidTrigger",
    message: `error parsing rabbitmq metadata: ${says}`,
  });
});

it.each([
  [{}, { name: "rabbitmq-jobs", target: 20, targetType: "AverageValue", isWhole: true }],
  [{ queueLength: "5" }, { name: "rabbitmq-jobs", target: 5, targetType: "AverageValue", isWhole: true }],
  [
    { mode: "MessageRate", value: "0.5" },
    { name: "rabbitmq-jobs", target: 0.5, targetType: "AverageValue", isWhole: false },
  ],
  [
    { queueName: "^a/b (c)*$" },
    { name: "rabbitmq-%5Ea%2Fb+%28c%29%2A%24", target: 20, targetType: "AverageValue", isWhole: true },
  ],
])("metrics of rabbitmq with %j", async (change, metric) => {
  const trigger = await buildTrigger({ type, metadata: { ...http, ...change } });
  expect(await metricOf(trigger)).toEqual(metric);
  await trigger.close();
});

const api = "http://rabbitmq.shop:15672";

it.each([
  [{}, `${api}/api/queues/orders/jobs`],
  [{ host: api }, `${api}/api/queues/%2F/jobs`],
  [{ host: `${api}/` }, `${api}/api/queues/%2F/jobs`],
  [{ host: `${api}/%2F` }, `${api}/api/queues/%2F/jobs`],
  [{ host: `${api}/behind/proxy/orders` }, `${api}/behind/proxy/api/queues/orders/jobs`],
  [{ host: `${api}/behind/` }, `${api}/behind/api/queues/%2F/jobs`],
  [{ vhostName: "a/b" }, `${api}/api/queues/a%2Fb/jobs`],
  [{ queueName: "a b/c?" }, `${api}/api/queues/orders/a%20b%2Fc%3F`],
  [
    { useRegex: "true", queueName: "^job-.*$", pageSize: "50" },
    `${api}/api/queues/orders?page=1&use_regex=true&pagination=false&name=%5Ejob-.*%24&page_size=50`,
  ],
])("queuesUrl with %j", (change, url) => {
  const config = new TriggerConfig(type, { metadata: { ...http, ...change }, env: {}, auth: {} });
  expect(queuesUrl(readRabbitSettings(config)).href).toBe(url);
  config.end();
});

it("readRabbitSettings takes host from metadata before authentication before environment", () => {
  const read = (metadata: Record<string, string>, auth: Record<string, string>) =>
    readRabbitSettings(
      new TriggerConfig(type, {
        metadata: { queueName: "q", hostFromEnv: "HOST", ...metadata },
        env: { HOST: "amqp://of-env" },
        auth,
      }),
    ).host.hostname;
  expect(read({ host: "amqp://of-metadata" }, { host: "amqp://of-auth" })).toBe("of-metadata");
  expect(read({}, { host: "amqp://of-auth" })).toBe("of-auth");
  expect(read({}, {})).toBe("of-env");
});

it.each([
  ["amqp", { ...amqp, host: "amqp://anna:open%20sesame@127.0.0.1:1" }],
  ["amqps", { ...amqp, host: "amqps://anna:open%20sesame@127.0.0.1:1" }],
])("build of rabbitmq over %s fails when nothing listens, and shows no password", async (scheme, metadata) => {
  await expect(buildTrigger({ type, metadata })).rejects.toMatchObject({
    code: "TriggerUnreadable",
    message: `Cannot connect to RabbitMQ at ${scheme}://127.0.0.1:1, vhost "/": connect ECONNREFUSED 127.0.0.1:1`,
  });
});

it.each(["amqp", "amqps"])(
  "build of rabbitmq over %s gives up on a server that never answers, and leaves no connection behind",
  async (scheme) => {
    const open = new Set<Socket>();
    const silent = createServer((socket) => {
      open.add(socket.resume());
      socket.once("close", () => open.delete(socket));
      socket.on("error", () => undefined);
    });
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const address = silent.address();
    const host = `${scheme}://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
    const building = buildTrigger({ type, metadata: { host, queueName: "jobs" } }, triggerWorld({ timeoutMs: 200 }));
    await expect(building).rejects.toThrow(/^Cannot connect to RabbitMQ at amqps?:\/\/127\.0\.0\.1:\d+, vhost "\/": /);
    await vi.waitFor(() => expect(open.size).toBe(0));
    silent.close();
  },
);

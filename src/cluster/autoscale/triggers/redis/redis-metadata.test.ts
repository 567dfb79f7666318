import { expect, it } from "vitest";
import { buildTrigger, type TriggerCase } from "../testing/trigger-fixture.ts";
import { lagOf, problemOfVersion } from "./redis-streams.ts";

const at = { address: "127.0.0.1:1" };
const list = { ...at, listName: "jobs" };

const refused: readonly (TriggerCase & { readonly says: string })[] = [
  { type: "redis", metadata: at, says: 'missing required parameter "listName" in [triggerMetadata]' },
  {
    type: "redis",
    metadata: { listName: "jobs" },
    says: 'no address is given; set "address" to host:port (several with commas), or "host" and "port"',
  },
  {
    type: "redis",
    metadata: { listName: "jobs", hosts: "a,b", ports: "6379" },
    says: "2 hosts and 1 ports are given; give one port for each host",
  },
  { type: "redis", metadata: { ...list, address: "redis" }, says: 'address "redis" is not host:port' },
  { type: "redis", metadata: { ...list, address: "redis:70000" }, says: 'address "redis:70000" is not host:port' },
  {
    type: "redis",
    metadata: { listName: "jobs" },
    auth: { address: "redis://:ge,he,im@redis:6379" },
    says: 'address must be host:port alone, without a scheme; give the login as "username" and "password"',
  },
  {
    type: "redis",
    metadata: { ...list, listLength: "five" },
    says: 'unable to set param "listLength" value "five": it is not a whole number',
  },
  { type: "redis", metadata: { ...list, listLength: "0" }, says: 'parameter "listLength" value "0" must be 1 or more' },
  {
    type: "redis",
    metadata: { ...list, activationListLength: "1.5" },
    says: 'unable to set param "activationListLength" value "1.5": it is not a whole number',
  },
  {
    type: "redis",
    metadata: { ...list, databaseIndex: "-1" },
    says: 'parameter "databaseIndex" value "-1" must be 0 or more',
  },
  {
    type: "redis",
    metadata: { ...list, enableTLS: "maybe" },
    says: 'unable to set param "enableTLS" value "maybe": it is neither true nor false',
  },
  {
    type: "redis",
    metadata: list,
    auth: { tls: "on" },
    says: 'parameter "tls" value "on" must be one of [enable disable]',
  },
  {
    type: "redis",
    metadata: { ...list, enableTLS: "true" },
    auth: { tls: "enable" },
    says: '"enableTLS" of the metadata and "tls" of the authentication are both set; keep one of them',
  },
  {
    type: "redis",
    metadata: list,
    auth: { cert: "PEM" },
    says: '"cert" is given without "key"; give both or none',
  },
  {
    type: "redis",
    metadata: list,
    metricType: "Utilization",
    says: 'metricType "Utilization" is not one of this trigger: write AverageValue or Value',
  },
  {
    type: "redis",
    metadata: list,
    podIdentity: "azure-workload",
    says: 'podIdentity "azure-workload" is not executed by the embedded cluster; give a user name and a password, or certificates',
  },
  {
    type: "redis-sentinel",
    metadata: list,
    says: '"sentinelMaster" is missing; give the name under which the sentinels watch the master',
  },
  { type: "redis-streams", metadata: at, says: 'missing required parameter "stream" in [triggerMetadata]' },
  {
    type: "redis-streams",
    metadata: { ...at, stream: "s", consumerGroup: "g", lagCount: "-2" },
    says: 'parameter "lagCount" value "-2" must be 0 or more',
  },
  {
    type: "redis-cluster-streams",
    metadata: { stream: "s" },
    says: 'no address is given; set "address" to host:port (several with commas), or "host" and "port"',
  },
  {
    type: "redis",
    metadata: { listLength: "x" },
    says:
      'no address is given; set "address" to host:port (several with commas), or "host" and "port"; missing required parameter ' +
      '"listName" in [triggerMetadata]; unable to set param "listLength" value "x": it is not a whole number',
  },
];

it.each(refused)("build of a Redis trigger refuses $type $metadata $auth: $says", async ({ says, ...given }) => {
  await expect(buildTrigger(given)).rejects.toMatchObject({
    code: "InvalidTrigger",
    message: `error parsing ${given.type} metadata: ${says}`,
  });
});

it.each(["redis", "redis-cluster", "redis-sentinel"])(
  "build of a %s trigger whose server is not there fails and shows no secret",
  async (type) => {
    const given = { type, metadata: { ...list, sentinelMaster: "m" }, auth: { password: "open sesame" } };
    const failure = await buildTrigger(given).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(failure).toMatchObject({
      code: "TriggerUnreadable",
      retryable: true,
      message: expect.stringMatching(/^Cannot connect to Redis \((single|cluster|sentinel)\) at 127\.0\.0\.1:1: .+/),
    });
    expect(String(failure)).not.toContain("sesame");
  },
);

it.each([
  ["redis_version:7.0.15\r\nredis_mode:standalone", undefined],
  ["# Server\r\nredis_version:10.2.0\r\n", undefined],
  ["redis_version:6.2.7\r\n", "lagCount needs Redis 7 or later, the server is 6.2.7"],
  ["", "the server does not tell its version"],
])("problemOfVersion reads %j", (info, problem) => {
  expect(problemOfVersion(info)).toBe(problem);
});

it.each([
  [
    [
      ["name", "a", "lag", 3],
      ["name", "b", "entries-read", 1, "lag", 5],
    ],
    "b",
    5,
  ],
  [[["name", "a", "lag", null]], "a", "unknown"],
  [[["name", "a"]], "a", "unknown"],
  [[["name", "a", "lag", 3]], "b", "no group"],
  [[], "b", "no group"],
  ["nonsense", "b", "no group"],
])("lagOf finds in %j the group %s", (reply, group, lag) => {
  expect(lagOf(reply, group)).toBe(lag);
});

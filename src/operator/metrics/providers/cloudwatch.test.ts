import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createOutboundHttp } from "../../gates/index.ts";
import { cloudWatchSource } from "./cloudwatch.ts";
import { parseCloudWatchQuery } from "./cloudwatch-query.ts";
import { askOf, type Canned, NOW_MS, probeOf, startRecordingServer } from "./recording-server.ts";

const source = cloudWatchSource({ attemptCount: 1 });
const json = { "content-type": "application/x-amz-json-1.0" };
const provider = { type: "cloudwatch", region: "eu-west-1" };
const query = JSON.stringify([
  { id: "e1", expression: "m1 / m2", Label: "ErrorRate" },
  {
    Id: "m1",
    MetricStat: {
      Metric: { Namespace: "App", MetricName: "errors", Dimensions: [{ Name: "app", Value: "web" }] },
      Period: 60,
      Stat: "Sum",
      Unit: "Count",
    },
    ReturnData: false,
  },
]);
const request = { provider, query };

const results = (...values: unknown[][]): Canned => ({
  headers: json,
  body: { MetricDataResults: values.map((one, index) => ({ Id: `e${index}`, StatusCode: "Complete", Values: one })) },
});
const refusal = (status: number, name: string): Canned => ({
  status,
  headers: json,
  body: { __type: `com.amazonaws.cloudwatch#${name}`, message: "said so" },
});

beforeEach(() => {
  // The SDK's chain of credentials reads the environment of the process, and the files of whoever runs the test.
  for (const name of Object.keys(process.env)) if (name.startsWith("AWS_")) vi.stubEnv(name, undefined);
  vi.stubEnv("AWS_CONFIG_FILE", "/dev/null");
  vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
  vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
  vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "secret-example");
});

afterEach(() => {
  vi.unstubAllEnvs();
});

test("cloudwatch: sends the query, signed for the region, over ten intervals", async () => {
  const { requests } = await askOf(source, results([1]), request);
  expect(requests).toHaveLength(1);
  expect(requests[0]).toMatchObject({ method: "POST", path: "/", headers: { "content-type": json["content-type"] } });
  expect(requests[0]?.headers["x-amz-target"]).toMatch(/\.GetMetricData$/);
  expect(requests[0]?.headers.authorization).toMatch(
    /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-west-1\/monitoring\/aws4_request, .*Signature=[0-9a-f]{64}$/,
  );
  expect(JSON.parse(requests[0]?.body ?? "")).toEqual({
    StartTime: NOW_MS / 1000 - 600,
    EndTime: NOW_MS / 1000,
    MaxDatapoints: 20,
    MetricDataQueries: [
      { Id: "e1", Expression: "m1 / m2", Label: "ErrorRate" },
      {
        Id: "m1",
        MetricStat: {
          Metric: { Namespace: "App", MetricName: "errors", Dimensions: [{ Name: "app", Value: "web" }] },
          Period: 60,
          Stat: "Sum",
          Unit: "Count",
        },
        ReturnData: false,
      },
    ],
  });
});

test.each([
  ["the newest value", results([2.5, 1]), { kind: "value", value: 2.5 }],
  ["zero", results([0]), { kind: "zero" }],
  ["no result (pinned 49)", results(), { kind: "empty" }],
  ["no values (pinned 49)", results([]), { kind: "empty" }],
  ["several results", results([1], [2]), { kind: "error", message: expect.stringContaining("2 series") }],
  [
    "a result that CloudWatch could not make",
    { headers: json, body: { MetricDataResults: [{ StatusCode: "InternalError", Messages: [{ Value: "later" }] }] } },
    { kind: "unreachable", message: "CloudWatch answered InternalError: later" },
  ],
  [
    "a refused query",
    refusal(400, "InvalidParameterValueException"),
    { kind: "error", message: expect.stringContaining("InvalidParameterValueException: said so") },
  ],
  [
    "a role without rights",
    refusal(400, "AccessDeniedException"),
    { kind: "unreachable", message: expect.stringContaining("AccessDeniedException: said so") },
  ],
  [
    "unknown keys",
    refusal(403, "UnrecognizedClientException"),
    { kind: "unreachable", message: expect.stringContaining("said so") },
  ],
  [
    "too many questions",
    refusal(400, "ThrottlingException"),
    { kind: "unreachable", message: expect.stringContaining("said so") },
  ],
  [
    "a failure",
    refusal(500, "InternalServiceFault"),
    { kind: "unreachable", message: expect.stringContaining("said so") },
  ],
  ["another server", { body: "<html>" }, { kind: "unreachable", message: expect.stringContaining("CloudWatch: ") }],
  [
    "an answer without end",
    { headers: json, body: "x".repeat(1024 * 1024 + 1) },
    { kind: "unreachable", message: expect.stringContaining("larger than") },
  ],
] as const)("cloudwatch: %s", async (_, canned, expected) => {
  expect((await askOf(source, canned, request)).result).toEqual(expected);
});

test("cloudwatch: is given up after the timeout, and when nobody waits any more", async () => {
  const hurried = cloudWatchSource({ timeoutMs: 60, attemptCount: 1 });
  const late = { kind: "unreachable", message: expect.stringContaining("no answer within 60 ms") };
  expect((await askOf(hurried, "hang", request)).result).toEqual(late);
  const { result } = await askOf(source, "hang", { ...request, signal: AbortSignal.abort() });
  expect(result.kind).toBe("unreachable");
});

test("cloudwatch: a server that is not there is unreachable", async () => {
  const { result } = await askOf(source, {}, { ...request, provider: { ...provider, address: "http://127.0.0.1:1" } });
  expect(result).toEqual({ kind: "unreachable", message: expect.stringContaining("http://127.0.0.1:1") });
});

test("cloudwatch: no credentials anywhere is unreachable and says so", async () => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", undefined);
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", undefined);
  const { result, requests } = await askOf(source, results([1]), request);
  expect(result).toEqual({ kind: "unreachable", message: expect.stringMatching(/credentials/i) });
  expect(requests).toHaveLength(0);
});

test("cloudwatch: a pod's web identity is exchanged for credentials", async () => {
  const directory = await mkdtemp(join(tmpdir(), "serin-aws-"));
  await writeFile(join(directory, "token"), "a-web-identity-token");
  const expiration = new Date(NOW_MS + 400 * 86_400_000).toISOString();
  const sts = await startRecordingServer(() => ({
    headers: { "content-type": "text/xml" },
    body: `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult>
      <Credentials><AccessKeyId>ASIAPOD</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>session-1</SessionToken>
      <Expiration>${expiration}</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
  }));
  vi.stubEnv("AWS_ACCESS_KEY_ID", undefined);
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", undefined);
  vi.stubEnv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/canary");
  vi.stubEnv("AWS_WEB_IDENTITY_TOKEN_FILE", join(directory, "token"));
  vi.stubEnv("AWS_ENDPOINT_URL_STS", sts.url);
  const { result, requests } = await askOf(source, results([1]), request);
  expect(sts.requests[0]?.body).toContain("a-web-identity-token");
  expect(result).toEqual({ kind: "value", value: 1 });
  expect(requests[0]?.headers.authorization).toContain("Credential=ASIAPOD/");
  expect(requests[0]?.headers["x-amz-security-token"]).toBe("session-1");
  await sts.close();
  await rm(directory, { recursive: true, force: true });
});

test("cloudwatch: a failure is tried again as often as the source says", async () => {
  const { result, requests } = await askOf(
    cloudWatchSource({ attemptCount: 2 }),
    refusal(503, "ServiceUnavailable"),
    request,
  );
  expect(result.kind).toBe("unreachable");
  expect(requests).toHaveLength(2);
});

test("cloudwatch: the probe takes the refusal of an empty query for an answer (pinned 49)", async () => {
  const good = await probeOf(source, refusal(400, "ValidationException"), request);
  expect(good.problem).toBeUndefined();
  expect(JSON.parse(good.requests[0]?.body ?? "")).toMatchObject({ MetricDataQueries: [] });
  expect((await probeOf(source, refusal(400, "AccessDeniedException"), request)).problem).toContain("said so");
  expect((await probeOf(source, refusal(500, "InternalServiceFault"), request)).problem).toContain("said so");
  expect((await probeOf(source, {}, { provider: { type: "cloudwatch" } })).problem).toContain("spec.provider.region");
});

test("cloudwatch: a template without a region, interval or usable address is an error (pinned 49)", async () => {
  const error = async (change: Parameters<typeof askOf>[2]) => {
    const { result, requests } = await askOf(source, results([1]), { ...request, ...change });
    expect(requests).toHaveLength(0);
    return result;
  };
  const says = (text: string) => ({ kind: "error", message: expect.stringContaining(text) });
  expect(await error({ provider: { type: "cloudwatch" } })).toEqual(says("spec.provider.region is missing"));
  expect(await error({ intervalMs: 0 })).toEqual(says("interval"));
  expect(await error({ provider: { ...provider, address: "there" } })).toEqual(says("spec.provider.address"));
});

test("cloudwatch: goes through the operator's proxy", async () => {
  const proxy = await startRecordingServer(() => results([8]));
  const http = createOutboundHttp({ http_proxy: proxy.url });
  const address = "http://monitoring.example";
  const { result } = await askOf(source, {}, { ...request, http, provider: { ...provider, address } });
  expect(result).toEqual({ kind: "value", value: 8 });
  expect(proxy.requests[0]?.headers.host).toBe("monitoring.example");
  await http.close();
  await proxy.close();
});

test.each([
  ["m1 / m2", "must be a JSON array"],
  ["{}", "must be a JSON array"],
  ["[]", "must be a JSON array"],
  ["[7]", "query[0] must be an object, received 7"],
  ['[{"Id": 7}]', "query[0].Id must be a string, received 7"],
  ['[{"Id": "a"}, {"Metric": "m"}]', 'query[1].Metric must be an object, received "m"'],
  ['[{"MetricStat": {"Metric": {"Dimensions": {}}}}]', "query[0].MetricStat.Metric.Dimensions must be an array"],
  [`[{"Id": ${"[".repeat(50_000)}${"]".repeat(50_000)}}]`, "query[0].Id must be a string, received a list"],
  [
    `[${'{"Metric": '.repeat(50_000)}{}${"}".repeat(50_000)}]`,
    "query[0].Metric.Metric.Metric.Metric is nested too deep",
  ],
  ['[{"MetricStat": {"Periode": 60}}]', 'query[0].MetricStat has the unknown field "Periode"'],
])("parseCloudWatchQuery: %.40s is refused", (text, why) => {
  expect(parseCloudWatchQuery(text)).toEqual({ ok: false, error: expect.stringContaining(why) });
});

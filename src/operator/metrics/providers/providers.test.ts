import { readFileSync } from "node:fs";
import { expect, test, vi } from "vitest";
import { parse } from "yaml";
import type { MetricTemplate } from "#api";
import { datadogSource } from "./datadog.ts";
import { dynatraceSource } from "./dynatrace.ts";
import { externalMetricsSource } from "./external-metrics.ts";
import { graphiteSource } from "./graphite.ts";
import { sourceOf, sourceTypes } from "./index.ts";
import { influxSource } from "./influxdb.ts";
import { newRelicSource } from "./new-relic.ts";
import { askOf, NOW_MS, probeOf, startRecordingServer, withSecret } from "./recording-server.ts";
import { createOutboundHttp } from "../../gates/index.ts";
import type { MetricSource } from "../metric-source.ts";

/** Every provider that is asked over plain HTTP, with a Secret that is whole. */
const all = [
  { type: "datadog", make: datadogSource, data: { datadog_api_key: "s3cret-a", datadog_application_key: "s3cret-b" } },
  { type: "graphite", make: graphiteSource, data: { username: "somebody", password: "s3cret-a" } },
  { type: "influxdb", make: influxSource, data: { token: "s3cret-a", org: "the-org" } },
  { type: "newrelic", make: newRelicSource, data: { newrelic_account_id: "4711", newrelic_query_key: "s3cret-a" } },
  { type: "dynatrace", make: dynatraceSource, data: { dynatrace_token: "s3cret-a" } },
  { type: "externalmetrics", make: externalMetricsSource, data: { token: "s3cret-a" } },
].map((entry) => ({ ...entry, request: { ...withSecret(entry.type, entry.data), query: "query" } }));

test.each(all)("$type: what says nothing about the release is unreachable (pinned 49)", async ({ make, request }) => {
  for (const status of [401, 403, 407, 408, 429, 500, 502, 503]) {
    const canned = { status, body: "we are sorry" };
    const { result } = await askOf(make(), canned, request);
    expect(result).toEqual({
      kind: "unreachable",
      message: expect.stringContaining(`answered ${status}: we are sorry`),
    });
    expect((await probeOf(make(), canned, request)).problem).toContain(`answered ${status}: we are sorry`);
  }
});

test.each(all)("$type: an answer of another server is unreachable", async ({ make, request }) => {
  for (const body of ["<html>portal</html>", "{", "7", '"text"'])
    expect((await askOf(make(), { body }, request)).result).toEqual({
      kind: "unreachable",
      message: expect.stringContaining("the answer is not one of"),
    });
});

test.each(all)("$type: JSON of any shape gives a result and never throws", async ({ make, request }) => {
  const odd = [null, [], {}, [null], [[]], [7], { series: [null] }, { series: [{ pointlist: [null, 7, {}] }] }];
  const more = [
    { results: [null] },
    { results: [7] },
    { result: [null, { data: [null] }] },
    [{ datapoints: [null, {}] }],
  ];
  const deep = `${"[".repeat(50_000)}${"]".repeat(50_000)}`;
  const deepOnes = [
    deep,
    `{"series":[{"pointlist":[[1,${deep}]]}]}`,
    `{"results":[{"result":${deep}}]}`,
    `[{"datapoints":[[${deep},1]]}]`,
  ];
  const lists = [null, [null], [{ value: null }]].map((items) => ({ kind: "ExternalMetricValueList", items }));
  for (const body of [...odd, ...more, ...lists].map((value) => JSON.stringify(value)).concat(deepOnes))
    expect((await askOf(make(), { body }, request)).result.kind).toMatch(/^(empty|error|unreachable)$/);
});

test.each(all)("$type: a server that hangs is given up after the timeout", async ({ make, request }) => {
  const source = make({ timeoutMs: 40 });
  const late = { kind: "unreachable", message: expect.stringContaining("no answer within 40 ms") };
  expect((await askOf(source, "hang", request)).result).toEqual(late);
  expect((await probeOf(source, "hang", request)).problem).toContain("no answer within 40 ms");
});

test.each(all)("$type: a question that nobody waits for any more ends", async ({ make, request }) => {
  const { result, requests } = await askOf(make(), "hang", { ...request, signal: AbortSignal.abort() });
  expect(result.kind).toBe("unreachable");
  expect(requests).toHaveLength(0);
});

test.each(all)(
  "$type: a server that is not there is unreachable, without its password",
  async ({ type, make, request }) => {
    const provider = { ...request.provider, type, address: "http://me:hush-hush@127.0.0.1:1/x" };
    const { result } = await askOf(make(), {}, { ...request, provider });
    expect(result).toEqual({ kind: "unreachable", message: expect.stringContaining("http://127.0.0.1:1: ") });
    expect(JSON.stringify(result)).not.toContain("hush");
  },
);

test.each(all)("$type: an address that is none is an error and not quoted", async ({ type, make, request }) => {
  for (const address of ["me:hush@host", "ftp://hush/", "hush"]) {
    const { result } = await askOf(make(), {}, { ...request, provider: { ...request.provider, type, address } });
    expect(result).toEqual({ kind: "error", message: expect.stringContaining("write http://HOST:PORT") });
    expect(JSON.stringify(result)).not.toContain("hush");
  }
});

test.each(all)(
  "$type: a server that repeats our keys does not get them into the message",
  async ({ make, request, data }) => {
    const values = Object.values(data).join(" and ");
    for (const status of [200, 400, 500]) {
      const { result } = await askOf(make(), { status, body: `no ${values} ${"x".repeat(2000)}` }, request);
      const { message } = result as { message: string };
      for (const value of Object.values(data)) expect(message).not.toContain(value);
      expect(message).toContain("[secret]");
      expect(message.length).toBeLessThanOrEqual(300);
    }
  },
);

test.each(all)("$type: a body without end is refused", async ({ make, request }) => {
  const { result } = await askOf(make(), { body: "x".repeat(1024 * 1024 + 1) }, request);
  expect(result).toEqual({ kind: "error", message: expect.stringContaining("larger than 1048576 bytes") });
});

test.each(all.filter(({ type }) => type !== "externalmetrics"))(
  "$type: a Secret without a key that it needs is refused by name before anything is sent (pinned 49)",
  async ({ type, make, data }) => {
    for (const missing of Object.keys(data)) {
      const rest = Object.fromEntries(Object.entries(data).filter(([key]) => key !== missing));
      const { result, requests } = await askOf(make(), {}, withSecret(type, rest));
      const message = expect.stringContaining(`the Secret "keys" of spec.provider.secretRef has no "${missing}"`);
      expect(result).toEqual({ kind: "error", message });
      expect(requests).toHaveLength(0);
    }
  },
);

test.each(all.filter(({ type }) => ["datadog", "newrelic", "dynatrace"].includes(type)))(
  "$type: a template without a Secret is told which one it needs (pinned 49)",
  async ({ type, make, data }) => {
    const { result } = await askOf(make(), {}, { provider: { type } });
    const [first = ""] = Object.keys(data);
    expect(result).toEqual({
      kind: "error",
      message: expect.stringContaining(`needs a Secret with the key "${first}"`),
    });
  },
);

test.each(all)(
  "$type: a redirect is followed only where no key would be shown to another host",
  async ({ type, make, request }) => {
    const other = await startRecordingServer(() => ({ status: 503, body: "elsewhere" }));
    const { result } = await askOf(make(), { status: 307, headers: { location: `${other.url}/moved` } }, request);
    const hasKeyHeader = type === "datadog" || type === "newrelic";
    expect(other.requests).toHaveLength(hasKeyHeader ? 0 : 1);
    expect(JSON.stringify(other.requests)).not.toContain("s3cret");
    expect(result).toEqual({
      kind: "unreachable",
      message: expect.stringContaining(hasKeyHeader ? "redirect" : "elsewhere"),
    });
    await other.close();
  },
);

test.each(all)(
  "$type: the template's headers are sent, under those of the provider",
  async ({ type, make, request }) => {
    const headers = { "X-Scope-OrgID": ["a"], Authorization: ["theirs"] };
    const { requests } = await askOf(make(), {}, { ...request, provider: { ...request.provider, type, headers } });
    expect(requests[0]?.headers["x-scope-orgid"]).toBe("a");
    const isOwn = type !== "datadog" && type !== "newrelic";
    expect(requests[0]?.headers.authorization === "theirs").toBe(!isOwn);
  },
);

test("graphite: the user of the address logs in, and a path of it is kept", async () => {
  const server = await startRecordingServer(() => ({ body: [] }));
  const http = createOutboundHttp({});
  const address = `${server.url.replace("//", "//us%40er:p%25w@")}/prefix/`;
  const signal = new AbortController().signal;
  const request = { provider: { type: "graphite", address }, http, signal, nowMs: NOW_MS, env: {}, secret: undefined };
  expect(await graphiteSource().query({ ...request, query: "target=a", intervalMs: 1 })).toEqual({ kind: "empty" });
  expect(server.requests[0]?.path).toBe("/prefix/render");
  expect(server.requests[0]?.headers.authorization).toBe(`Basic ${Buffer.from("us@er:p%w").toString("base64")}`);
  await http.close();
  await server.close();
});

test("sourceOf: finds each type, and says which are not executed", async () => {
  for (const type of sourceTypes()) expect(sourceOf(type)?.types).toEqual([type]);
  for (const type of ["stackdriver", "splunk", "keptn"]) {
    const source = found(type);
    const { result, requests } = await askOf(source, {}, { provider: { type } });
    expect(result).toMatchObject({ kind: "error", message: expect.stringContaining(`"${type}" is not executed`) });
    expect(requests).toHaveLength(0);
    const { problem } = await probeOf(source, {}, { provider: { type } });
    for (const name of sourceTypes()) expect(problem).toContain(name);
  }
  expect(sourceOf("graphana")).toBeUndefined();
});

/** Keys of the Secret, as the comment of an example names them. */
const SECRET_COMMENT = /name: \w+ # (.*)/;

const page = readFileSync(new URL("../../../../docs/metric-providers.md", import.meta.url), "utf8");
const written = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text = ""]) => {
  const template: MetricTemplate = parse(text);
  return { text, type: template.spec.provider.type, template };
});
/** Those that show how both copies are compared are of Prometheus. */
const examples = written.filter(({ template: { spec } }) => spec.counts === undefined && spec.scalar === undefined);

test("docs/metric-providers.md: has a row and an example for every type but prometheus", () => {
  const types = sourceTypes().filter((type) => type !== "prometheus");
  expect(examples.map(({ type }) => type).sort()).toEqual([...types].sort());
  for (const type of types) expect(page).toContain(`| ${type} |`);
});

test.each(examples)(
  "docs/metric-providers.md: the example of $type is asked as it stands",
  async ({ text, type, template }) => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "secret-example");
    const keys = SECRET_COMMENT.exec(text)?.[1]?.split(", ") ?? [];
    const { secretRef, region } = template.spec.provider;
    const provider = {
      type,
      ...(secretRef === undefined ? {} : { secretRef }),
      ...(region === undefined ? {} : { region }),
    };
    const secret = secretRef === undefined ? undefined : new Map(keys.map((key) => [key, "x"]));
    const { requests } = await askOf(found(type), { status: 400 }, { provider, secret, query: template.spec.query });
    expect(requests).toHaveLength(1);
    vi.unstubAllEnvs();
  },
);

function found(type: string): MetricSource {
  const source = sourceOf(type);
  if (source === undefined) throw new Error(`no source for ${type}`);
  return source;
}

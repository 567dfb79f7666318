import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestApiServer, type TestApiServer } from "#testing";
import { externalMetricsSource } from "./external-metrics.ts";
import { parseExternalMetricsQuery } from "./external-metrics-query.ts";
import { askOf, probeOf, withSecret } from "./recording-server.ts";

const source = externalMetricsSource();
const GROUP = "external.metrics.k8s.io";
const list = (...values: unknown[]) => ({
  body: { kind: "ExternalMetricValueList", apiVersion: `${GROUP}/v1beta1`, items: values.map((value) => ({ value })) },
});

test.each([
  ["shop/queue?labelSelector=label1%3Dvalue1", "shop", "queue", "label1=value1"],
  ["shop/queue", "shop", "queue", ""],
  ["/queue", "default", "queue", ""],
  [" queue\n", "default", "queue", ""],
])("parseExternalMetricsQuery: %j (pinned 49)", (query, namespace, metric, labelSelector) => {
  expect(parseExternalMetricsQuery(query)).toEqual({ ok: true, value: { namespace, metric, labelSelector } });
});

test.each([
  ["shop/", "names no metric"],
  ["/", "names no metric"],
  ["", "names no metric"],
  ["a/b/c", "more than one slash"],
  ["queue?labelselector=a", 'parameter "labelselector"'],
])("parseExternalMetricsQuery: refuses %j (pinned 49)", (query, why) => {
  expect(parseExternalMetricsQuery(query)).toEqual({ ok: false, error: expect.stringContaining(why) });
});

test("externalmetrics: asks for the metric with selector and token", async () => {
  const query = "shop/queue?labelSelector=app%3Da%2Ctier%21%3Db";
  const { requests } = await askOf(source, list("1"), { ...withSecret("externalmetrics", { token: "tok-1" }), query });
  expect(requests[0]).toMatchObject({
    method: "GET",
    path: `/apis/${GROUP}/v1beta1/namespaces/shop/queue`,
    query: { labelSelector: "app=a,tier!=b" },
    headers: { authorization: "Bearer tok-1" },
  });
});

test.each([
  ["a quantity", list("1500m"), { kind: "value", value: 1.5 }],
  ["a large quantity", list("2k"), { kind: "value", value: 2000 }],
  ["zero", list("0"), { kind: "zero" }],
  ["no item (pinned 49)", list(), { kind: "empty" }],
  ["null for no item", { body: { kind: "ExternalMetricValueList", items: null } }, { kind: "empty" }],
  ["several items", list("1", "2"), { kind: "error", message: expect.stringContaining("2 series") }],
  ["no quantity", list("many"), { kind: "error", message: expect.stringContaining('"many"') }],
  [
    "a metric that nobody has",
    { status: 404, body: { kind: "Status", message: "no metric queue" } },
    { kind: "error", message: "the external metrics API answered 404: no metric queue" },
  ],
  [
    "an API that is not served",
    { status: 404, body: "404 page not found" },
    { kind: "unreachable", message: expect.stringContaining("404 page not found") },
  ],
])("externalmetrics: %s", async (_, canned, expected) => {
  const request = { provider: { type: "externalmetrics" }, query: "queue" };
  expect((await askOf(source, canned, request)).result).toEqual(expected);
});

test("externalmetrics: a query that is none is not sent", async () => {
  const { result, requests } = await askOf(source, list("1"), { query: "a/b/c" });
  expect(result).toEqual({ kind: "error", message: expect.stringContaining("more than one slash") });
  expect(requests).toHaveLength(0);
});

test("externalmetrics: the probe asks for the API (pinned 49)", async () => {
  const good = await probeOf(source, { body: { kind: "APIResourceList", resources: [] } });
  expect(good.problem).toBeUndefined();
  expect(good.requests[0]?.path).toBe(`/apis/${GROUP}/v1beta1`);
});

let api: TestApiServer;
let directory: string;

beforeAll(async () => {
  api = await startTestApiServer();
  directory = await mkdtemp(join(tmpdir(), "serin-account-"));
  const files = { namespace: "shop", "ca.crt": api.caPem, token: api.token };
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
  // The lists of a custom resource have the very shape of the metrics API, so a real API server can serve one.
  const schema = { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } };
  const names = { plural: "queue-length", singular: "queue-length", kind: "ExternalMetricValue" };
  const crd = await api.call({
    method: "POST",
    path: "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    body: {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: {
        name: `queue-length.${GROUP}`,
        annotations: { "api-approved.kubernetes.io": "unapproved, for a test" },
      },
      spec: {
        group: GROUP,
        scope: "Namespaced",
        names: { ...names, listKind: "ExternalMetricValueList" },
        versions: [{ name: "v1beta1", served: true, storage: true, schema }],
      },
    },
  });
  expect(crd.code).toBe(201);
});

afterAll(async () => {
  await api.close();
  await rm(directory, { recursive: true, force: true });
});

const inCluster = () => ({
  KUBERNETES_SERVICE_HOST: "127.0.0.1",
  KUBERNETES_SERVICE_PORT: String(api.port),
  SERIN_SERVICE_ACCOUNT_DIR: directory,
});

test("externalmetrics: without an address it asks the API server of the cluster as the operator", async () => {
  const request = {
    provider: { type: "externalmetrics", address: "" },
    env: inCluster(),
    query: "default/queue-length",
  };
  expect((await askOf(source, {}, request)).result).toEqual({ kind: "empty" });
  const path = `/apis/${GROUP}/v1beta1/namespaces/default/queue-length`;
  const metadata = { name: "one", labels: { app: "web" } };
  const body = { apiVersion: `${GROUP}/v1beta1`, kind: "ExternalMetricValue", metadata, value: "2500m" };
  expect((await api.call({ method: "POST", path, body })).code).toBe(201);
  expect((await askOf(source, {}, request)).result).toEqual({ kind: "value", value: 2.5 });
  const none = { ...request, query: "default/queue-length?labelSelector=app%3Dother" };
  expect((await askOf(source, {}, none)).result).toEqual({ kind: "empty" });
  expect((await probeOf(source, {}, request)).problem).toBeUndefined();
});

test("externalmetrics: a token of the Secret takes the place of the operator's own", async () => {
  const { secret } = withSecret("externalmetrics", { token: "wrong-token" });
  if (secret === undefined) throw new Error("no Secret");
  const provider = { type: "externalmetrics", address: "", secretRef: { name: "keys" } };
  const { result } = await askOf(source, {}, { provider, secret, env: inCluster(), query: "default/queue-length" });
  expect(result).toEqual({ kind: "unreachable", message: expect.stringContaining("answered 401") });
});

test("externalmetrics: outside of a cluster the address is asked for", async () => {
  const { result } = await askOf(source, {}, { provider: { type: "externalmetrics", address: "" }, query: "queue" });
  expect(result).toEqual({ kind: "error", message: expect.stringContaining("spec.provider.address is missing") });
});

test("externalmetrics: the certificate of an address is checked unless insecureSkipVerify; the operator's token stays home", async () => {
  const provider = { type: "externalmetrics", address: api.url };
  const checked = await askOf(source, {}, { provider, env: inCluster(), query: "queue" });
  expect(checked.result).toEqual({ kind: "unreachable", message: expect.stringMatching(/certificate/i) });
  const unchecked = { provider: { ...provider, insecureSkipVerify: true }, env: inCluster(), query: "queue" };
  expect((await askOf(source, {}, unchecked)).result).toEqual({
    kind: "unreachable",
    message: expect.stringMatching(/answered 40[13]/),
  });
});

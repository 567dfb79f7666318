import { afterAll, expect, test } from "vitest";
import { createVirtualClock } from "#testing";
import { type Given, probeTriggers } from "./testing/probe-trigger.ts";

const probe = probeTriggers({ clock: createVirtualClock() });
afterAll(() => probe.close());

type Case = readonly [
  what: string,
  type: string,
  given: Omit<Given, "metadata"> & { readonly metadata?: Readonly<Record<string, string | undefined>> },
  mistakes: string,
];

const prometheus = { serverAddress: "http://prometheus:9090", query: "up", threshold: "10" };
const api = { url: "http://api.shop:80/stats", valueLocation: "a.b", targetValue: "5" };
const cron = { timezone: "UTC", start: "0 8 * * *", end: "0 18 * * *", desiredReplicas: "5" };
const workload = { podSelector: "app=web", value: "2" };
const resource = { resourceKind: "ConfigMap", resourceName: "c", key: "k", targetValue: "2" };
const notExecuted = "is not executed by the embedded cluster; use a Prometheus that takes authModes, or none";
const missing = (name: string, from = "triggerMetadata"): string => `missing required parameter "${name}" in [${from}]`;

const cases: readonly Case[] = [
  ["good", "prometheus", { metadata: prometheus }, "none"],
  ["nothing", "prometheus", {}, `${missing("serverAddress")}; ${missing("query")}; ${missing("threshold")}`],
  ["a blank query", "prometheus", { metadata: { ...prometheus, query: "  " } }, missing("query")],
  [
    "an address without scheme, which may hold a password and is not quoted",
    "prometheus",
    { metadata: { ...prometheus, serverAddress: "prometheus:9090" } },
    'parameter "serverAddress" is no URL of a server: write http://HOST:PORT or https://HOST:PORT',
  ],
  [
    "a threshold that is no number",
    "prometheus",
    { metadata: { ...prometheus, threshold: "ten" } },
    'unable to set param "threshold" value "ten": it is not a number',
  ],
  [
    "a threshold of 0",
    "prometheus",
    { metadata: { ...prometheus, threshold: "0" } },
    'parameter "threshold" value "0" must be greater than 0',
  ],
  [
    "no threshold under a formula",
    "prometheus",
    { metadata: { ...prometheus, threshold: undefined }, isFormulaInput: true },
    "none",
  ],
  [
    "ignoreNullValues",
    "prometheus",
    { metadata: { ...prometheus, ignoreNullValues: "yes" } },
    'unable to set param "ignoreNullValues" value "yes": it is neither true nor false',
  ],
  [
    "timeout",
    "prometheus",
    { metadata: { ...prometheus, timeout: "soon" } },
    'unable to set param "timeout" value "soon": invalid duration "soon": write a number with a unit, such as 30s or 1m30s',
  ],
  [
    "a metricType for cpu",
    "prometheus",
    { metadata: prometheus, metricType: "Utilization" },
    'metricType "Utilization" is not one of this trigger: write AverageValue or Value',
  ],
  [
    "a header that cannot be one",
    "prometheus",
    { metadata: { ...prometheus, customHeaders: "X Y=1" } },
    'parameter "customHeaders": "X Y" is no name of a header',
  ],
  [
    "an unknown mode",
    "prometheus",
    { metadata: { ...prometheus, authModes: "basic, kerberos" }, auth: { username: "u" } },
    'parameter "authModes" value "kerberos" must be one of [apiKey basic tls bearer custom oauth]',
  ],
  [
    "modes that exclude each other, and what they lack",
    "prometheus",
    { metadata: { ...prometheus, authModes: "bearer,basic" } },
    `authModes bearer and basic exclude each other; ${missing("bearerToken", "authParams")}; ${missing("username", "authParams")}`,
  ],
  [
    "custom without its parts",
    "prometheus",
    { metadata: prometheus, auth: { authMode: "custom" } },
    `${missing("customAuthHeader", "authParams")}; ${missing("customAuthValue", "authParams")}`,
  ],
  [
    "tls without its parts",
    "prometheus",
    { metadata: { ...prometheus, authModes: "tls" } },
    `${missing("cert", "authParams")}; ${missing("key", "authParams")}`,
  ],
  ["modes without effect", "prometheus", { metadata: { ...prometheus, authModes: "apiKey" } }, "none"],
  [
    "an identity of a cloud",
    "prometheus",
    { metadata: prometheus, podIdentity: "azure-workload" },
    `podIdentity "azure-workload" ${notExecuted}`,
  ],
  ["no identity", "prometheus", { metadata: prometheus, podIdentity: "none" }, "none"],
  [
    "an identity beside modes",
    "prometheus",
    { metadata: { ...prometheus, authModes: "bearer" }, auth: { token: "t" }, podIdentity: "aws" },
    "podIdentity and authModes exclude each other",
  ],
  [
    "a region of AWS",
    "prometheus",
    { metadata: { ...prometheus, awsRegion: "eu-central-1" } },
    `parameter "awsRegion" asks for requests that are signed for AWS, which ${notExecuted}`,
  ],

  ["good", "metrics-api", { metadata: api }, "none"],
  ["nothing", "metrics-api", {}, `${missing("url")}; ${missing("valueLocation")}; ${missing("targetValue")}`],
  [
    "an unknown format",
    "metrics-api",
    { metadata: { ...api, format: "csv" } },
    'parameter "format" value "csv" must be one of [prometheus json xml yaml]',
  ],
  [
    "a location that cannot be followed",
    "metrics-api",
    { metadata: { ...api, valueLocation: "a.@this" } },
    'parameter "valueLocation" value "a.@this" cannot be used: "@this" builds or changes a value, which is not executed',
  ],
  [
    "a host that is no Service to aggregate from",
    "metrics-api",
    {
      metadata: {
        ...api,
        url: "http://api/stats",
        aggregateFromKubeServiceEndpoints: "true",
        aggregationType: "median",
      },
    },
    'parameter "aggregationType" value "median" must be one of [average sum max min]; parameter "url" must have a host SERVICE.NAMESPACE to aggregate from, received "api"',
  ],
  [
    "apiKey without a key",
    "metrics-api",
    { metadata: { ...api, authMode: "apiKey", method: "body" } },
    `${missing("apiKey", "triggerMetadata, authParams")}; parameter "method" value "body" must be one of [header query]`,
  ],
  [
    "a key parameter that is no header",
    "metrics-api",
    { metadata: { ...api, authMode: "apiKey" }, auth: { apiKey: "k", keyParamName: "a b" } },
    'parameter "keyParamName" value "a b" is no name of a header',
  ],

  ["good", "cron", { metadata: cron }, "none"],
  ["nothing", "cron", {}, ["timezone", "start", "end", "desiredReplicas"].map((name) => missing(name)).join("; ")],
  [
    "a place that is nowhere",
    "cron",
    { metadata: { ...cron, timezone: "Mars/Base" } },
    'unable to load timezone "Mars/Base": write a name such as Europe/Berlin or UTC',
  ],
  [
    "schedules",
    "cron",
    { metadata: { ...cron, start: "0 25 * * *", end: "@daily" } },
    'error parsing start schedule "0 25 * * *": "25" is no hour: write numbers from 0 to 23; error parsing end schedule "@daily": it has 1 fields, five are needed: minute, hour, day of the month, month, day of the week',
  ],
  [
    "one time twice",
    "cron",
    { metadata: { ...cron, end: cron.start } },
    'start and end are both "0 8 * * *": the window has no length',
  ],
  [
    "no replicas",
    "cron",
    { metadata: { ...cron, desiredReplicas: "0" } },
    'parameter "desiredReplicas" value "0" must be greater than 0',
  ],
  [
    "parts of a replica",
    "cron",
    { metadata: { ...cron, desiredReplicas: "1.5" } },
    'unable to set param "desiredReplicas" value "1.5": it is not a whole number',
  ],

  ["good", "cpu", { metadata: { value: "60" }, metricType: "Utilization" }, "none"],
  ["nothing", "cpu", {}, `${missing("value")}; metricType is missing: write Utilization or AverageValue`],
  [
    "the type where it once stood",
    "cpu",
    { metadata: { value: "60", type: "Utilization" }, metricType: "Utilization" },
    'parameter "type" is no longer read: write it as the metricType of the trigger',
  ],
  [
    "a percentage with a sign",
    "cpu",
    { metadata: { value: "60%" }, metricType: "Utilization" },
    'parameter "value" value "60%" must be a whole percentage such as 60, greater than 0',
  ],
  [
    "no quantity",
    "memory",
    { metadata: { value: "a lot" }, metricType: "AverageValue" },
    'parameter "value" value "a lot" must be a quantity such as 500m or 64Mi, greater than 0',
  ],
  [
    "a metricType of the others",
    "memory",
    { metadata: { value: "1" }, metricType: "Value" },
    'metricType "Value" is not one of this trigger: write Utilization or AverageValue',
  ],

  ["good", "kubernetes-workload", { metadata: workload }, "none"],
  ["nothing", "kubernetes-workload", {}, `${missing("podSelector")}; ${missing("value")}`],
  [
    "a selector that is none",
    "kubernetes-workload",
    { metadata: { ...workload, podSelector: "app==web=x" } },
    'invalid pod selector "app==web=x": unable to parse requirement: "app==web=x" is no label requirement',
  ],
  [
    "a negative value",
    "kubernetes-workload",
    { metadata: { ...workload, value: "-1" } },
    'parameter "value" value "-1" must be greater than 0',
  ],

  ["good", "kubernetes-resource", { metadata: resource }, "none"],
  [
    "nothing",
    "kubernetes-resource",
    {},
    ["resourceKind", "resourceName", "key", "targetValue"].map((name) => missing(name)).join("; "),
  ],
  [
    "another kind",
    "kubernetes-resource",
    { metadata: { ...resource, resourceKind: "Pod" } },
    'parameter "resourceKind" value "Pod" must be one of [ConfigMap Secret]',
  ],
  [
    "a location in a plain number",
    "kubernetes-resource",
    { metadata: { ...resource, valueLocation: "a" } },
    'parameter "valueLocation" is for the formats json and yaml only',
  ],
  [
    "json without a location",
    "kubernetes-resource",
    { metadata: { ...resource, format: "json" } },
    'parameter "valueLocation" is required for the format json',
  ],
  [
    "an unknown type",
    "kubernetes-resource",
    { metadata: { ...resource, valueType: "float32", format: "xml" } },
    'parameter "format" value "xml" must be one of [number json yaml]; parameter "valueType" value "float32" must be one of [float64 int64 quantity]',
  ],
];

test.each(cases)("build: %s of %s", async (_, type, given, mistakes) => {
  const metadata = Object.fromEntries(
    Object.entries(given.metadata ?? {}).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  const fault = await probe.fault(type, { ...given, metadata });
  expect(fault).toBe(mistakes === "none" ? "none" : `error parsing ${type} metadata: ${mistakes}`);
});

test("build: a certificate that is none is not quoted", async () => {
  const auth = { authModes: "tls", cert: "my certificate", key: "my secret key" };
  const fault = await probe.fault("prometheus", { metadata: prometheus, auth });
  expect(fault).toMatch(/^error parsing prometheus metadata: ca, cert or key cannot be used: /);
  expect(fault).not.toContain("my ");
});

test("build: a FromEnv of a parameter that is read from the metadata only is not followed", async () => {
  const metadata = { ...prometheus, threshold: "", thresholdFromEnv: "constructor" };
  expect(await probe.fault("prometheus", { metadata })).toBe(
    `error parsing prometheus metadata: ${missing("threshold")}`,
  );
});

import { expect, test } from "vitest";
import { datadogSource } from "./datadog.ts";
import { askOf, NOW_MS, probeOf, withSecret } from "./recording-server.ts";

const source = datadogSource();
const keys = withSecret("datadog", { datadog_api_key: "api-1", datadog_application_key: "app-1" });
const series = (...pointlists: unknown[]) => ({
  body: { status: "ok", series: pointlists.map((pointlist) => ({ metric: "a", pointlist })) },
});

test("datadog: asks for ten intervals up to now with both keys in headers", async () => {
  const { requests } = await askOf(source, series([[1, 2]]), { ...keys, query: " avg:a{*}\n" });
  expect(requests).toHaveLength(1);
  expect(requests[0]).toMatchObject({
    method: "GET",
    path: "/api/v1/query",
    query: { query: "avg:a{*}", from: String(NOW_MS / 1000 - 600), to: String(NOW_MS / 1000) },
    headers: { "dd-api-key": "api-1", "dd-application-key": "app-1" },
  });
});

test.each([
  ["the oldest point of the series", series([[1, 1.5], [2, 9]]), { kind: "value", value: 1.5 }], // biome-ignore format: shape of the API
  ["the oldest point that is not null", series([[1, null], [2, 3]]), { kind: "value", value: 3 }], // biome-ignore format: shape of the API
  ["zero", series([[1, 0]]), { kind: "zero" }],
  ["no series (pinned 49)", series(), { kind: "empty" }],
  ["a series without points (pinned 49)", series([]), { kind: "empty" }],
  ["a series of gaps", series([[1, null]]), { kind: "empty" }],
  ["several series", series([[1, 2]], [[1, 3]]), { kind: "error", message: expect.stringContaining("2 series") }],
  ["a text", series([[1, "high"]]), { kind: "error", message: expect.stringContaining('"high"') }],
  [
    "a query refused with 200",
    { body: { status: "error", error: "unable to parse" } },
    { kind: "error", message: "Datadog refused the query: unable to parse" },
  ],
  [
    "a query refused with 400",
    { status: 400, body: { errors: ["Rule 'scope' didn't match"] } },
    { kind: "error", message: "Datadog answered 400: Rule 'scope' didn't match" },
  ],
])("datadog: %s", async (_, canned, expected) => {
  expect((await askOf(source, canned, keys)).result).toEqual(expected);
});

test("datadog: the probe checks the key (pinned 49)", async () => {
  const good = await probeOf(source, { body: { valid: true } }, keys);
  expect(good.problem).toBeUndefined();
  expect(good.requests[0]).toMatchObject({
    method: "GET",
    path: "/api/v1/validate",
    headers: { "dd-api-key": "api-1" },
  });
  const bad = await probeOf(source, { status: 403, body: { errors: ["Forbidden"] } }, keys);
  expect(bad.problem).toBe("Datadog answered 403: Forbidden");
});

test("datadog: a metric without an interval is told so", async () => {
  const { result, requests } = await askOf(source, {}, { ...keys, intervalMs: 0 });
  expect(result).toEqual({ kind: "error", message: expect.stringContaining("interval") });
  expect(requests).toHaveLength(0);
});

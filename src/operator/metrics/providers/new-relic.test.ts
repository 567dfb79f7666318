import { expect, test } from "vitest";
import { newRelicSource } from "./new-relic.ts";
import { askOf, probeOf, withSecret } from "./recording-server.ts";

const source = newRelicSource();
const keys = withSecret("newrelic", { newrelic_account_id: "42", newrelic_query_key: "key-1\n" });

test("newrelic: adds the interval to the query and sends the key in a header", async () => {
  const query = "SELECT average(duration) FROM Transaction\n";
  const { requests } = await askOf(source, { body: { results: [] } }, { ...keys, query, intervalMs: 90_000 });
  expect(requests[0]).toMatchObject({
    method: "GET",
    path: "/v1/accounts/42/query",
    query: { nrql: "SELECT average(duration) FROM Transaction SINCE 90 seconds ago" },
    headers: { "x-query-key": "key-1" },
  });
});

test.each([
  ["a result", { results: [{ result: 2.5 }] }, { kind: "value", value: 2.5 }],
  ["the one number of an aggregate", { results: [{ count: 3 }] }, { kind: "value", value: 3 }],
  ["zero", { results: [{ result: 0 }] }, { kind: "zero" }],
  ["no result (pinned 49)", { results: [] }, { kind: "empty" }],
  ["null", { results: [{ result: null }] }, { kind: "empty" }],
  [
    "two results",
    { results: [{ result: 1 }, { result: 2 }] },
    { kind: "error", message: expect.stringContaining("2 series") },
  ],
  [
    "facets",
    { facets: [{}, {}, {}] },
    { kind: "error", message: expect.stringContaining("3 series; leave FACET out") },
  ],
  [
    "events",
    { results: [{ events: [{ a: 1 }] }] },
    { kind: "error", message: expect.stringContaining("must give a number") },
  ],
  ["several fields", { results: [{ a: 1, b: 2 }] }, { kind: "error", message: expect.stringContaining("fields a, b") }],
])("newrelic: %s", async (_, body, expected) => {
  expect((await askOf(source, { body }, keys)).result).toEqual(expected);
});

test("newrelic: a wrong query is an error with the server's words", async () => {
  const { result } = await askOf(source, { status: 400, body: { error: "NRQL Syntax Error" } }, keys);
  expect(result).toEqual({ kind: "error", message: "New Relic answered 400: NRQL Syntax Error" });
});

test("newrelic: an interval under a second is an error", async () => {
  const { result } = await askOf(source, {}, { ...keys, intervalMs: 500 });
  expect(result).toEqual({ kind: "error", message: expect.stringContaining("interval") });
});

test("newrelic: the probe counts metrics (pinned 49)", async () => {
  const good = await probeOf(source, { body: { results: [{ count: 0 }] } }, keys);
  expect(good.problem).toBeUndefined();
  expect(good.requests[0]?.query.nrql).toBe("SELECT count(*) FROM Metric SINCE 60 seconds ago");
  const bad = await probeOf(source, { status: 401, body: { error: "Invalid query key" } }, keys);
  expect(bad.problem).toBe("New Relic answered 401: Invalid query key");
});

import { expect, test } from "vitest";
import { graphiteSource } from "./graphite.ts";
import { askOf, probeOf, withSecret } from "./recording-server.ts";

const source = graphiteSource();
const target = (...datapoints: unknown[]) => ({ target: "a", datapoints });

test("graphite: the query is the query string of /render, its line breaks are none, and format is json", async () => {
  const query = "target=sumSeries(\n  app.http.*.*.count\n)&from=-2min\n&format=png&until=now%2D1min";
  const { requests } = await askOf(source, { body: [] }, { provider: { type: "graphite" }, query });
  expect(requests[0]).toMatchObject({
    method: "GET",
    path: "/render",
    query: { target: "sumSeries( app.http.*.*.count )", from: "-2min", until: "now-1min", format: "json" },
  });
  expect(requests[0]?.headers.authorization).toBeUndefined();
});

test("graphite: logs in with the Secret, and needs both keys of it (pinned 49)", async () => {
  const login = withSecret("graphite", { username: "u", password: "p" });
  expect((await askOf(source, { body: [] }, login)).requests[0]?.headers.authorization).toBe("Basic dTpw");
  for (const missing of ["username", "password"]) {
    const data = Object.fromEntries(
      Object.entries({ username: "u", password: "p" }).filter(([key]) => key !== missing),
    );
    const { result, requests } = await askOf(source, { body: [] }, withSecret("graphite", data));
    expect(result).toEqual({
      kind: "error",
      message: expect.stringContaining(`"keys" of spec.provider.secretRef has no "${missing}"`),
    });
    expect(requests).toHaveLength(0);
  }
});

test.each([
  ["the newest point that is not null", [target([1, 10], [2.5, 20], [null, 30])], { kind: "value", value: 2.5 }],
  ["numbers as texts", [target(["7", 10])], { kind: "value", value: 7 }],
  ["zero", [target([0, 10])], { kind: "zero" }],
  ["no series (pinned 49)", [], { kind: "empty" }],
  ["a series of null (pinned 49)", [target([null, 10])], { kind: "empty" }],
  [
    "several series",
    [target([1, 1]), target([1, 1]), target([1, 1])],
    { kind: "error", message: expect.stringContaining("3 series") },
  ],
  ["a word", [target(["many", 1])], { kind: "error", message: expect.stringContaining('"many"') }],
])("graphite: %s", async (_, body, expected) => {
  const { result } = await askOf(source, { body }, { provider: { type: "graphite" }, query: "target=a" });
  expect(result).toEqual(expected);
});

test("graphite: a target that the server refuses is an error with its words", async () => {
  const { result } = await askOf(source, { status: 400, body: "Invalid target" }, { provider: { type: "graphite" } });
  expect(result).toEqual({ kind: "error", message: "Graphite answered 400: Invalid target" });
});

test("graphite: the probe renders a target that need not exist (pinned 49)", async () => {
  const good = await probeOf(source, { body: [] });
  expect(good.problem).toBeUndefined();
  expect(good.requests[0]?.query).toEqual({ target: "test", format: "json" });
  expect((await probeOf(source, { status: 502, body: "no" })).problem).toBe("Graphite answered 502: no");
});

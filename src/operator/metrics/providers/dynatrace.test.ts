import { expect, test } from "vitest";
import { dynatraceSource } from "./dynatrace.ts";
import { askOf, NOW_MS, probeOf, withSecret } from "./recording-server.ts";

const source = dynatraceSource();
const keys = withSecret("dynatrace", { dynatrace_token: "tok-1" });
const data = (...values: unknown[][]) => ({
  body: { totalCount: 1, result: [{ metricId: "m", data: values.map((one) => ({ timestamps: [1], values: one })) }] },
});

test("dynatrace: asks for one value over ten intervals with the token", async () => {
  const { requests } = await askOf(source, data([1]), { ...keys, query: "m:avg\n" });
  expect(requests[0]).toMatchObject({
    method: "GET",
    path: "/api/v2/metrics/query",
    query: { metricSelector: "m:avg", resolution: "Inf", from: String(NOW_MS - 600_000), to: String(NOW_MS) },
    headers: { authorization: "Api-Token tok-1" },
  });
});

test.each([
  ["a value", data([2.5]), { kind: "value", value: 2.5 }],
  ["zero", data([0]), { kind: "zero" }],
  ["no result (pinned 49)", { body: { result: [] } }, { kind: "empty" }],
  ["no data (pinned 49)", data(), { kind: "empty" }],
  ["no values (pinned 49)", data([]), { kind: "empty" }],
  ["null", data([null]), { kind: "empty" }],
  ["several dimensions", data([1], [2]), { kind: "error", message: expect.stringContaining("2 series") }],
  ["a text", data(["x"]), { kind: "error", message: expect.stringContaining("must give a number") }],
  [
    "a wrong selector",
    { status: 400, body: { error: { code: 400, message: "could not be parsed" } } },
    { kind: "error", message: "Dynatrace answered 400: could not be parsed" },
  ],
])("dynatrace: %s", async (_, canned, expected) => {
  expect((await askOf(source, canned, keys)).result).toEqual(expected);
});

test("dynatrace: the probe lists one metric (pinned 49)", async () => {
  const good = await probeOf(source, { body: { metrics: [] } }, keys);
  expect(good.problem).toBeUndefined();
  expect(good.requests[0]).toMatchObject({ path: "/api/v2/metrics", query: { pageSize: "1" } });
  expect((await probeOf(source, { status: 401 }, keys)).problem).toContain("Dynatrace answered 401");
});

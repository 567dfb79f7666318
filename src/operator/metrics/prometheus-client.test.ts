import { expect, test } from "vitest";
import { createOutboundHttp } from "../gates/index.ts";
import { startLocalServer } from "../local-server.ts";
import { askPrometheus, type PrometheusTarget, singleResult } from "./prometheus-client.ts";

const never = new AbortController().signal;

async function ask(
  answer: { status?: number; body: unknown; headers?: Record<string, string> },
  of: { target?: Partial<PrometheusTarget>; query?: string; userInfo?: string } = {},
) {
  const server = await startLocalServer((response) =>
    response
      .writeHead(answer.status ?? 200, answer.headers)
      .end(typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body)),
  );
  const http = createOutboundHttp({});
  try {
    const address = `${server.url.replace("//", `//${of.userInfo ?? ""}`)}/prefix/`;
    const target = { address, dispatcher: http.dispatcher, ...of.target };
    const result = singleResult(await askPrometheus(target, of.query ?? " sum(\n  up )", never), 60_000);
    return { result, request: server.requests[0] };
  } finally {
    await http.close();
    await server.close();
  }
}

const vector = (...values: string[]) => ({
  status: "success",
  data: { resultType: "vector", result: values.map((value) => ({ metric: {}, value: [0, value] })) },
});

test("askPrometheus: asks with address path, collapsed query, headers and credentials (pinned 49)", async () => {
  const headers = { "X-Scope-OrgID": ["a"] };
  const basic = { kind: "basic", username: "u", password: "p" } as const;
  const { request } = await ask({ body: vector("1") }, { target: { headers, credentials: basic } });
  expect(request?.url).toBe("/prefix/api/v1/query?query=sum%28+up+%29");
  expect(request?.headers).toMatchObject({ "x-scope-orgid": "a", authorization: "Basic dTpw" });
  const bearer = { kind: "bearer", token: "t" } as const;
  expect((await ask({ body: vector("1") }, { target: { credentials: bearer } })).request?.headers.authorization).toBe(
    "Bearer t",
  );
});

test("askPrometheus: user and password of the address are sent and never shown", async () => {
  const { request } = await ask({ body: vector("1") }, { userInfo: "u:p%40@" });
  expect(request?.headers.authorization).toBe(`Basic ${Buffer.from("u:p@").toString("base64")}`);
  const { result } = await ask({ status: 503, body: "no" }, { userInfo: "u:geheim@" });
  expect(JSON.stringify(result)).not.toContain("geheim");
});

test("askPrometheus: a token that no header can hold is an error that does not show it", async () => {
  const credentials = { kind: "bearer", token: "ge\nheim" } as const;
  const { result, request } = await ask({ body: vector("1") }, { target: { credentials } });
  expect(result).toEqual({
    kind: "error",
    message: expect.stringMatching(/^the request cannot be made: (?![^]*heim)/),
  });
  expect(request).toBeUndefined();
});

test("askPrometheus: a query with a comment keeps its lines, a long one goes as a form", async () => {
  const commented = await ask({ body: vector("1") }, { query: "# why\nup" });
  expect(commented.request?.url).toContain("query=%23+why%0Aup");
  const query = `up{x="${"y".repeat(5000)}"}`;
  const { request } = await ask({ body: vector("1") }, { query });
  expect(request?.url).toBe("/prefix/api/v1/query");
  expect(new URLSearchParams(request?.body).get("query")).toBe(query);
});

test.each([
  ["a value", 200, vector("1.5"), { kind: "value", value: 1.5 }],
  ["zero", 200, vector("0"), { kind: "zero" }],
  ["no series (pinned 49)", 200, vector(), { kind: "empty" }],
  ["NaN (pinned 49)", 200, vector("NaN"), { kind: "empty" }],
  [
    "a scalar",
    200,
    { status: "success", data: { resultType: "scalar", result: [0, "7"] } },
    { kind: "value", value: 7 },
  ],
  ["a division by zero", 200, vector("+Inf"), { kind: "error", message: expect.stringContaining("divides by zero") }],
  ["two series", 200, vector("1", "2"), { kind: "error", message: expect.stringContaining("2 series") }],
  [
    "a matrix (pinned 49)",
    200,
    { status: "success", data: { resultType: "matrix", result: [] } },
    { kind: "error", message: expect.stringContaining("matrix") },
  ],
  [
    "a text",
    200,
    { status: "success", data: { resultType: "string", result: [0, "x"] } },
    { kind: "error", message: expect.stringContaining("string") },
  ],
  [
    "a wrong query",
    400,
    { status: "error", error: "1:5: parse error" },
    { kind: "error", message: "1:5: parse error" },
  ],
  ["no access", 401, "who are you", { kind: "unreachable", message: expect.stringContaining("401") }],
  ["a ban", 403, "no", { kind: "unreachable", message: expect.stringContaining("403") }],
  ["a gateway error (pinned 49)", 502, "bad gateway", { kind: "unreachable", message: expect.stringContaining("502") }],
  ["another server", 200, "<html>", { kind: "unreachable", message: expect.stringContaining("not one of Prometheus") }],
  [
    "a sample without a value",
    200,
    { status: "success", data: { resultType: "vector", result: [{}] } },
    { kind: "error", message: expect.stringContaining("without a value") },
  ],
])("askPrometheus: %s", async (_, status, body, expected) => {
  expect((await ask({ status, body })).result).toEqual(expected);
});

test("askPrometheus: a sample older than the window is stale, by the server's own clock", async () => {
  const at = (seconds: number) => ({
    headers: { date: new Date(1_000_000_000).toUTCString() },
    body: { status: "success", data: { resultType: "vector", result: [{ metric: {}, value: [seconds, "1"] }] } },
  });
  expect((await ask(at(1_000_000 - 90))).result).toEqual({ kind: "stale", ageMs: 90_000 });
  expect((await ask(at(1_000_000 - 60))).result).toEqual({ kind: "value", value: 1 });
});

test("askPrometheus: an answer without end is not read to the end", async () => {
  const { result } = await ask({ body: `{"status":"success","pad":"${"x".repeat(9 * 1024 * 1024)}"}` });
  expect(result).toEqual({ kind: "error", message: expect.stringContaining("larger than") });
});

test("askPrometheus: a server that is not there is unreachable, an address that is none an error", async () => {
  const http = createOutboundHttp({});
  const at = async (address: string) =>
    singleResult(await askPrometheus({ address, dispatcher: http.dispatcher }, "up", never));
  expect((await at("http://127.0.0.1:1")).kind).toBe("unreachable");
  expect((await at("http://no-such-host.invalid")).kind).toBe("unreachable");
  expect(await at("prometheus")).toEqual({ kind: "error", message: expect.stringContaining("it is no URL") });
  expect((await at("ftp://x")).kind).toBe("error");
  await http.close();
});

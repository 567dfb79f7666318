import { expect, test } from "vitest";
import { createOutboundHttp } from "../gates/index.ts";
import { startLocalServer } from "../local-server.ts";
import { queryPrometheus } from "./prometheus.ts";

const never = new AbortController().signal;

async function ask(status: number, body: unknown) {
  const server = await startLocalServer((response) =>
    response.writeHead(status).end(typeof body === "string" ? body : JSON.stringify(body)),
  );
  const http = createOutboundHttp({});
  try {
    const target = {
      address: `${server.url}/prefix/`,
      dispatcher: http.dispatcher,
      headers: { "X-Scope-OrgID": ["a"] },
      credentials: { kind: "basic", username: "u", password: "p" } as const,
    };
    const result = await queryPrometheus(target, " sum(\n  up )", never);
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

test("queryPrometheus: asks with address path, collapsed query, headers and credentials", async () => {
  const { request } = await ask(200, vector("1"));
  expect(request?.url).toBe("/prefix/api/v1/query?query=sum%28+up+%29");
  expect(request?.headers).toMatchObject({ "x-scope-orgid": "a", authorization: "Basic dTpw" });
});

test.each([
  ["a value", 200, vector("1.5"), { kind: "value", value: 1.5 }],
  ["zero", 200, vector("0"), { kind: "zero" }],
  ["no series", 200, vector(), { kind: "empty" }],
  ["NaN", 200, vector("NaN"), { kind: "empty" }],
  [
    "a scalar",
    200,
    { status: "success", data: { resultType: "scalar", result: [0, "7"] } },
    { kind: "value", value: 7 },
  ],
  ["two series", 200, vector("1", "2"), { kind: "error", message: expect.stringContaining("2 series") }],
  [
    "a matrix",
    200,
    { status: "success", data: { resultType: "matrix", result: [] } },
    { kind: "error", message: expect.stringContaining("matrix") },
  ],
  ["a wrong query", 400, { status: "error", error: "parse error" }, { kind: "error", message: "parse error" }],
  ["no access", 401, "who are you", { kind: "unreachable", message: expect.stringContaining("401") }],
  ["a gateway error", 502, "bad gateway", { kind: "unreachable", message: expect.stringContaining("502") }],
  ["another server", 200, "<html>", { kind: "unreachable", message: expect.stringContaining("not one of Prometheus") }],
])("queryPrometheus: %s", async (_, status, body, expected) => {
  expect((await ask(status, body)).result).toEqual(expected);
});

test("queryPrometheus: a server that is not there is unreachable, an address that is none an error", async () => {
  const http = createOutboundHttp({});
  const at = (address: string) => queryPrometheus({ address, dispatcher: http.dispatcher }, "up", never);
  expect((await at("http://127.0.0.1:1")).kind).toBe("unreachable");
  expect((await at("prometheus")).kind).toBe("error");
  await http.close();
});

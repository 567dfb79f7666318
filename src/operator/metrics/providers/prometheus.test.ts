import { expect, test } from "vitest";
import { createOutboundHttp } from "../../gates/index.ts";
import { startLocalServer } from "../../local-server.ts";
import type { MetricRequest } from "../metric-source.ts";
import { prometheus } from "./prometheus.ts";

async function withSource(
  answer: { status: number; value?: string },
  body: (request: MetricRequest, authorizations: () => unknown[]) => Promise<void>,
) {
  const result = answer.value === undefined ? [] : [{ metric: {}, value: [0, answer.value] }];
  const server = await startLocalServer((response) =>
    response
      .writeHead(answer.status)
      .end(JSON.stringify({ status: "success", data: { resultType: "vector", result } })),
  );
  const http = createOutboundHttp({});
  try {
    const request: MetricRequest = {
      provider: { type: "prometheus", address: server.url },
      query: "up",
      intervalMs: 60_000,
      secret: undefined,
      http,
      signal: new AbortController().signal,
      nowMs: 0,
      env: {},
    };
    await body(request, () => server.requests.map(({ headers }) => headers.authorization));
  } finally {
    await http.close();
    await server.close();
  }
}

test("prometheus: asks with a token, or with user and password, of the Secret (pinned 49)", async () => {
  await withSource({ status: 200, value: "1" }, async (request, authorizations) => {
    await prometheus.query({ ...request, secret: new Map([["token", "t\n"]]) });
    await prometheus.query({
      ...request,
      secret: new Map([
        ["username", "u"],
        ["password", "p"],
      ]),
    });
    expect(authorizations()).toEqual(["Bearer t", "Basic dTpw"]);
  });
});

test("prometheus: a Secret without the keys, or no address, is an error without a request", async () => {
  await withSource({ status: 200, value: "1" }, async (request, authorizations) => {
    const message = expect.stringContaining('neither "token" nor "username" and "password"');
    expect(await prometheus.query({ ...request, secret: new Map([["username", "u"]]) })).toEqual({
      kind: "error",
      message,
    });
    expect(await prometheus.probe({ ...request, provider: { type: "prometheus" } })).toContain("address is missing");
    expect(authorizations()).toEqual([]);
  });
});

test.each([
  ["answers 1", { status: 200, value: "1" }, undefined],
  ["answers nothing", { status: 200 }, "vector(1) gave empty"],
  ["answers 502 (pinned 49)", { status: 502, value: "1" }, "the server answered 502"],
])("prometheus: a probe of a server that %s", async (_, answer, problem) => {
  await withSource(answer, async (request) => {
    const found = await prometheus.probe(request);
    if (problem === undefined) expect(found).toBeUndefined();
    else expect(found).toContain(problem);
  });
});

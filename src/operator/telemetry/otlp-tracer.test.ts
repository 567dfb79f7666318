import { Agent, request } from "undici";
import { afterEach, expect, test } from "vitest";
import { resources } from "#api";
import { Failure, isObject, silentLog } from "#base";
import { createKubeClient } from "#kube";
import { type LocalServer, startLocalServer } from "../local-server.ts";
import { openTracer } from "./open-tracer.ts";
import { tracedClient } from "./traced-client.ts";
import { tracedHttp } from "./traced-http.ts";
import { silentTracer } from "./tracer.ts";

/** Traces as a collector receives them. */

const servers: LocalServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function serverOf(answer: Parameters<typeof startLocalServer>[0]): Promise<LocalServer> {
  const server = await startLocalServer(answer);
  servers.push(server);
  return server;
}

interface SeenSpan {
  readonly name: string;
  readonly parent: string | undefined;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly status: unknown;
}

/** Reads the spans out of OTLP's JSON, parents by name. Source: opentelemetry-proto, `trace/v1`. */
function spansOf(collector: LocalServer): SeenSpan[] {
  const raw = collector.requests.flatMap(({ body }) =>
    listOf(JSON.parse(body), "resourceSpans", "scopeSpans", "spans"),
  );
  return raw.map((span) => {
    const parent = raw.find(({ spanId }) => spanId === span.parentSpanId);
    const pairs = listOf(span, "attributes").map(({ key, value }) => [key, Object.values(value as object)[0]]);
    const { name, status } = span as { name: string; status: { message?: unknown } };
    return {
      name,
      parent: parent?.name as string | undefined,
      attributes: Object.fromEntries(pairs),
      status: status.message,
    };
  });
}

function listOf(value: unknown, ...path: string[]): Record<string, unknown>[] {
  return path.reduce<Record<string, unknown>[]>(
    (items, field) => items.flatMap((item) => (Array.isArray(item[field]) ? item[field].filter(isObject) : [])),
    isObject(value) ? [value] : [],
  );
}

test("openTracer: spans reach the collector at the end, nested by who called whom, errors by their code", async () => {
  const collector = await serverOf((response) => response.end("{}"));
  const tracer = await openTracer({ endpoint: `${collector.url}/`, version: "1", log: silentLog });
  const one = tracer.span("reconcile", { canary: "shop/web" }, async (span) => {
    expect(tracer.span("read", {}, () => 7)).toBe(7);
    await Promise.resolve();
    const perform = tracer.span("perform", {}, () => Promise.reject(new Failure("secret", { code: "Conflict" })));
    await expect(perform).rejects.toThrow("secret");
    span.set({ phase: "Progressing", weight: 10 });
  });
  // A second reconcile at the same time has its own tree.
  const two = tracer.span("reconcile", { canary: "shop/other" }, () =>
    tracer.span("read", {}, () => Promise.resolve()),
  );
  await Promise.all([one, two]);
  await tracer.close();
  expect(collector.requests.map(({ url }) => url)).toEqual(["/v1/traces"]);
  expect(spansOf(collector)).toEqual(
    expect.arrayContaining([
      {
        name: "reconcile",
        parent: undefined,
        attributes: { canary: "shop/web", phase: "Progressing", weight: 10 },
        status: undefined,
      },
      { name: "read", parent: "reconcile", attributes: {}, status: undefined },
      { name: "perform", parent: "reconcile", attributes: {}, status: "Conflict" },
    ]),
  );
  expect(collector.requests[0]?.body).toContain('"serin-operator"');
  expect(collector.requests[0]?.body).not.toContain("secret");
});

test("openTracer: requests to hooks and writes to the API are spans without paths and secrets", async () => {
  const collector = await serverOf((response) => response.end("{}"));
  const hook = await serverOf((response) => response.writeHead(503).end("no"));
  const tracer = await openTracer({ endpoint: collector.url, version: "1", log: silentLog });
  const agent = new Agent();
  const http = tracedHttp({ dispatcher: agent, insecure: agent }, tracer);
  const api = await serverOf((response) => response.end(JSON.stringify({ metadata: {} })));
  const kube = createKubeClient({ server: api.url, namespace: "", credentials: { kind: "token", token: "hidden" } });
  const client = tracedClient(kube, tracer);
  await tracer.span("reconcile", {}, async () => {
    const headers = { authorization: "Bearer hidden" };
    const answer = await request(`${hook.url}/path?token=hidden`, {
      dispatcher: http.dispatcher,
      method: "POST",
      headers,
    });
    expect(await answer.body.text()).toBe("no");
    await expect(request("http://127.0.0.1:1/", { dispatcher: http.dispatcher })).rejects.toBeInstanceOf(Error);
    await client.patch(resources.secrets, { namespace: "n", name: "hidden" }, { kind: "merge", body: { hidden: 1 } });
  });
  await tracer.close();
  await Promise.all([agent.close(), kube.close()]);
  const host = new URL(hook.url).host;
  expect(spansOf(collector).filter(({ parent }) => parent === "reconcile")).toEqual([
    {
      name: "http POST",
      parent: "reconcile",
      attributes: { "http.request.method": "POST", "server.address": host, "http.response.status_code": 503 },
      status: undefined,
    },
    {
      name: "http GET",
      parent: "reconcile",
      attributes: { "http.request.method": "GET", "server.address": "127.0.0.1:1" },
      status: "NoAnswer",
    },
    {
      name: "http patch secrets",
      parent: "reconcile",
      attributes: { "kube.verb": "patch", "kube.resource": "secrets" },
      status: undefined,
    },
  ]);
  expect(collector.requests.map(({ body }) => body).join("")).not.toContain("hidden");
});

test("openTracer: nothing is wrapped without an endpoint, and what is no URL is refused", async () => {
  const tracer = await openTracer({ endpoint: "", version: "1", log: silentLog });
  expect(tracer).toBe(silentTracer);
  const agent = new Agent();
  const http = { dispatcher: agent, insecure: agent };
  expect(tracedHttp(http, tracer)).toBe(http);
  await expect(openTracer({ endpoint: "collector:4318", version: "1", log: silentLog })).rejects.toMatchObject({
    code: "OtlpEndpointInvalid",
  });
});

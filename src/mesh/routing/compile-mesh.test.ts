import fc from "fast-check";
import { expect, test } from "vitest";
import type { KubeObject, Telemetry, VirtualService } from "#api";
import { compileMesh, type MeshObjects } from "./compile-mesh.ts";
import { compileClusterPolicy, effectivePolicy } from "./cluster-policy.ts";
import { describeMesh } from "./describe-mesh.ts";
import { destinationRule, gateway, meshObjects, pod, service, virtualService } from "./mesh-fixture.ts";
import { metricGroups } from "./telemetry.ts";
import { GATEWAY_WORKLOAD, workloadOf } from "./workload.ts";

const good = virtualService(
  { name: "good" },
  { hosts: ["web"], http: [{ route: [{ destination: { host: "web" } }] }] },
);

test.each([
  [
    "a bad expression",
    { match: [{ uri: { regex: "(" } }], route: [{ destination: { host: "web" } }] },
    /"\(" is no RE2 expression/,
  ],
  [
    "weights of 0 only",
    {
      route: [
        { destination: { host: "a" }, weight: 0 },
        { destination: { host: "b" }, weight: 0 },
      ],
    },
    /sum to 0/,
  ],
  ["nothing to do", {}, /needs one of route, redirect/],
  ["a bad duration", { timeout: "10", route: [{ destination: { host: "web" } }] }, /timeout: invalid duration "10"/],
  [
    "an unknown retry condition",
    { retries: { retryOn: "5xx, reset" }, route: [{ destination: { host: "web" } }] },
    /" reset" is no retry condition/,
  ],
  [
    "a percentage beyond 100",
    { fault: { abort: { httpStatus: 500, percentage: { value: 101 } } }, route: [{ destination: { host: "web" } }] },
    /from 0 to 100/,
  ],
  [
    "a header that frames messages",
    { headers: { request: { set: { "Content-Length": "1" } } }, route: [{ destination: { host: "web" } }] },
    /"Content-Length" cannot be changed/,
  ],
  [
    "a header value with a line break",
    { headers: { request: { set: { a: "1\r\nb: 2" } } }, route: [{ destination: { host: "web" } }] },
    /characters no header can have/,
  ],
  [
    "a line break in a rewrite",
    { rewrite: { uri: "/a b" }, route: [{ destination: { host: "web" } }] },
    /rewrite.uri: must be visible ASCII/,
  ],
  ["a line break in a redirect", { redirect: { authority: "a\r\nb" } }, /redirect.authority: must be visible/],
])("compileMesh names %s and applies the rest", (_, http, message) => {
  const bad = virtualService({ name: "bad", createdSecond: -1 }, { hosts: ["web"], http: [http] });
  const config = compileMesh(
    meshObjects({ virtualServices: [bad, good], services: [service({ name: "web" }, [{ port: 80 }])] }),
  );
  expect(config.findings).toMatchObject([{ object: "VirtualService shop/bad", code: "malformed" }]);
  expect(config.findings[0]?.message).toMatch(message);
  expect(config.meshHosts.exact.get("web.shop.svc.cluster.local")?.map(({ id }) => id)).toEqual(["shop/good"]);
});

test("compileMesh isolates every malformed object, whatever is wrong with it", () => {
  const kinds = [
    "virtualServices",
    "destinationRules",
    "gateways",
    "services",
    "endpointSlices",
    "pods",
    "serviceEntries",
    "telemetries",
  ] as const;
  const fields = [
    "hosts",
    "http",
    "host",
    "subsets",
    "servers",
    "selector",
    "ports",
    "trafficPolicy",
    "metrics",
    "endpoints",
    "gateways",
    "exportTo",
    "match",
    "route",
  ];
  const junk = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(null, true, 0, -1, 1e9, "", "x", "*", "a.b", "5s"),
      fc.array(tie("value"), { maxLength: 2 }),
      fc.dictionary(fc.constantFrom(...fields), tie("value"), { maxKeys: 3 }),
    ),
  })).value;
  fc.assert(
    fc.property(
      fc.constantFrom(...kinds),
      fc.dictionary(fc.constantFrom(...fields), junk, { maxKeys: 4 }),
      junk,
      (kind, spec, labels) => {
        const object = {
          apiVersion: "v1",
          kind,
          metadata: { name: "junk", namespace: "shop", labels },
          spec,
          ...spec,
        } as unknown as KubeObject;
        const objects = meshObjects({ virtualServices: [good], services: [service({ name: "web" }, [{ port: 80 }])] });
        const config = compileMesh({
          ...objects,
          [kind]: [...((objects[kind] ?? []) as readonly KubeObject[]), object],
        } as MeshObjects);
        expect(config.meshHosts.exact.has("web.shop.svc.cluster.local")).toBe(true);
        expect(() => JSON.stringify(describeMesh(config))).not.toThrow();
      },
    ),
    { seed: 5, numRuns: 4000 },
  );
});

test("compileMesh says which gateways it does not serve", () => {
  const other = { ...gateway({ name: "other" }, ["a"]), spec: { selector: { istio: "egress" }, servers: [] } };
  const secure = gateway({ name: "secure" }, ["a"]);
  const tls = { ...secure, spec: { servers: [{ port: { number: 443, protocol: "HTTPS" }, hosts: ["a"] }] } };
  const { findings } = compileMesh(meshObjects({ gateways: [other, tls] }));
  expect(findings.map(({ object, code }) => `${object} ${code}`)).toEqual([
    "Gateway shop/other unresolved",
    "Gateway shop/secure unsupported",
  ]);
});

test("effectivePolicy puts the port over the rule, and the subset over both, block by block", () => {
  const rule = {
    connectionPool: { http: { http1MaxPendingRequests: 1 } },
    loadBalancer: { simple: "RANDOM" as const },
    portLevelSettings: [{ port: { number: 80 }, loadBalancer: { simple: "ROUND_ROBIN" as const } }],
  };
  expect(effectivePolicy(rule, { port: 81 })).toMatchObject({ loadBalancer: { simple: "RANDOM" } });
  expect(effectivePolicy(rule, { port: 80 })).toEqual({ loadBalancer: { simple: "ROUND_ROBIN" } });
  const subset = { name: "v1", trafficPolicy: { outlierDetection: {} } };
  expect(effectivePolicy(rule, { port: 80, subset })).toEqual({
    loadBalancer: { simple: "ROUND_ROBIN" },
    outlierDetection: {},
  });
  const replacing = {
    name: "v1",
    trafficPolicy: { portLevelSettings: [{ port: { number: 80 }, tls: { mode: "DISABLE" as const } }] },
  };
  expect(effectivePolicy(rule, { port: 80, subset: replacing })).toEqual({ tls: { mode: "DISABLE" } });
});

test("compileClusterPolicy takes 0 for no limit and LEAST_CONN for LEAST_REQUEST", () => {
  const policy = compileClusterPolicy(
    {
      loadBalancer: { simple: "LEAST_CONN" },
      connectionPool: { tcp: { maxConnections: 0 }, http: { http2MaxRequests: 7 } },
      outlierDetection: {},
    },
    () => undefined,
  );
  expect(policy.balancer).toEqual({ kind: "leastRequest" });
  expect(policy.limits).toMatchObject({ connectionsMax: Number.POSITIVE_INFINITY, requestsMax: 7 });
  expect(policy.outlier).toMatchObject({
    consecutive5xxMax: 5,
    consecutiveGatewayMax: Number.POSITIVE_INFINITY,
    ejectionPercentMax: 10,
  });
  expect(() => compileClusterPolicy({ connectionPool: { tcp: { maxConnections: -1 } } }, () => undefined)).toThrow(
    /tcp.maxConnections/,
  );
});

test("compileMesh merges rules of one host, the older policy first", () => {
  const rule = (name: string, createdSecond: number, subsets: readonly string[]) =>
    destinationRule({ name, createdSecond }, { host: "web", subsets: subsets.map((subset) => ({ name: subset })) });
  const config = compileMesh(
    meshObjects({
      services: [service({ name: "web" }, [{ port: 80 }])],
      destinationRules: [rule("b", 2, ["v1", "v2"]), rule("a", 1, ["v1"])],
    }),
  );
  expect([...(config.clusters.get("web.shop.svc.cluster.local")?.ofOthers.keys() ?? [])]).toEqual([
    "80|",
    "80|v1",
    "80|v2",
  ]);
});

test("workloadOf names the Deployment behind a ReplicaSet, and the canonical service by its labels", () => {
  const ofDeployment = pod({
    name: "web-primary-5d9c-abc",
    address: "127.1.1.1",
    deployment: "web-primary",
    labels: { app: "web-primary", version: "v3" },
  });
  expect(workloadOf(ofDeployment)).toMatchObject({
    workload: "web-primary",
    app: "web-primary",
    version: "v3",
    canonicalService: "web-primary",
    canonicalRevision: "v3",
  });
  const bare = pod({
    name: "single",
    address: "127.1.1.2",
    labels: { "app.kubernetes.io/name": "kit", "sidecar.istio.io/inject": "false" },
  });
  expect(workloadOf(bare)).toMatchObject({
    workload: "single",
    app: "",
    canonicalService: "kit",
    canonicalRevision: "latest",
    hasSidecar: false,
  });
});

test("metricGroups keeps metrics with equal tags together and obeys disabled and mode", () => {
  const telemetry = (namespace: string, metrics: Telemetry["spec"]["metrics"] & object): Telemetry => ({
    apiVersion: "telemetry.istio.io/v1",
    kind: "Telemetry",
    metadata: { name: "t", namespace },
    spec: { metrics },
  });
  const config = compileMesh(
    meshObjects({
      telemetries: [
        telemetry("istio-system", [
          {
            overrides: [
              {
                match: { metric: "REQUEST_COUNT" },
                tagOverrides: { request_method: { value: "request.method" }, source_app: { operation: "REMOVE" } },
              },
            ],
          },
        ]),
        telemetry("shop", [{ overrides: [{ match: { metric: "REQUEST_SIZE", mode: "SERVER" }, disabled: true }] }]),
      ],
    }),
  );
  const groups = metricGroups(config.telemetry, GATEWAY_WORKLOAD, "source");
  expect(groups.map(({ metrics, edits }) => [metrics.length, edits.length])).toEqual([
    [1, 2],
    [3, 0],
  ]);
  const inShop = { ...GATEWAY_WORKLOAD, namespace: "shop" };
  expect(metricGroups(config.telemetry, inShop, "destination").flatMap(({ metrics }) => metrics)).not.toContain(
    "requestSize",
  );
  expect(metricGroups(config.telemetry, inShop, "source").flatMap(({ metrics }) => metrics)).toContain("requestSize");
});

test("compileMesh does not execute tags it cannot, and says so", () => {
  const object: Telemetry = {
    apiVersion: "telemetry.istio.io/v1",
    kind: "Telemetry",
    metadata: { name: "t", namespace: "shop" },
    spec: { metrics: [{ overrides: [{ tagOverrides: { x: { value: "request.headers['a'] | 'unknown'" } } }] }] },
  };
  expect(compileMesh(meshObjects({ telemetries: [object] })).findings).toMatchObject([{ code: "unsupported" }]);
});

test("compileMesh counts a VirtualService without routes as no cover for its host", () => {
  const empty: VirtualService = virtualService({ name: "empty" }, { hosts: ["web"] });
  expect(compileMesh(meshObjects({ virtualServices: [empty] })).findings).toEqual([]);
});

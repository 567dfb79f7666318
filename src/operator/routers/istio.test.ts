import { expect, test } from "vitest";
import type { CanaryService, DestinationRule, HTTPRoute, VirtualService } from "#api";
import { istio } from "./istio.ts";
import { ORIGINAL_ANNOTATION } from "./original.ts";
import { contextOf, desiredOf, liveOf, objectsOf, type RouteCase } from "./rehearsal-context.ts";
import type { DesiredRoutes } from "./router.ts";

const KUBECTL = "kubectl.kubernetes.io/last-applied-configuration";

/** All objects as they are after a first plan. */
function planned(routeCase: RouteCase, desired: DesiredRoutes = desiredOf(0)) {
  const [primary, canary, routes] = objectsOf(istio.plan(contextOf(routeCase), desired, liveOf()));
  return { primary: primary as DestinationRule, canary: canary as DestinationRule, routes: routes as VirtualService };
}

/** What a plan writes of the VirtualService when the live one is this; undefined when nothing. */
function rewritten(
  routeCase: RouteCase,
  live: VirtualService,
  desired: DesiredRoutes = desiredOf(0),
): VirtualService | undefined {
  const { primary, canary } = planned(routeCase);
  return objectsOf(istio.plan(contextOf(routeCase), desired, liveOf(primary, canary, live)))[0] as VirtualService;
}

function withRoute(routes: VirtualService, more: HTTPRoute): VirtualService {
  return { ...routes, spec: { ...routes.spec, http: [{ ...routes.spec.http?.[0], ...more }] } };
}

const foreign: VirtualService = {
  apiVersion: "networking.istio.io/v1beta1",
  kind: "VirtualService",
  metadata: { name: "web", namespace: "shop", labels: { team: "a" } },
  spec: { hosts: ["shop.example.com"], exportTo: ["."], http: [{ route: [{ destination: { host: "web" } }] }] },
};

test("istio: two policies first, then the routes, all owned by the Canary (pinned 41)", () => {
  const trafficPolicy = { tls: { mode: "ISTIO_MUTUAL" } };
  const { primary, canary, routes } = planned({ service: { trafficPolicy } });
  expect([primary, canary].map(({ metadata, spec }) => [metadata.name, spec])).toEqual([
    ["web-primary", { host: "web-primary", trafficPolicy }],
    ["web-canary", { host: "web-canary", trafficPolicy }],
  ]);
  for (const { metadata } of [primary, canary, routes]) expect(metadata.ownerReferences?.[0]?.uid).toBe("1");
  expect(Object.keys(routes.metadata.annotations ?? {})).toHaveLength(2);
});

test.each<[string, string[], string[]]>([
  ["get the apex name", ["a.example.com"], ["a.example.com", "web"]],
  ["have it already", ["web", "a"], ["web", "a"]],
  ["are all hosts", ["*"], ["*"]],
])("istio: hosts that %s", (_, hosts, expected) => {
  expect(planned({ service: { hosts } }).routes.spec.hosts).toEqual(expected);
});

test.each<[string, Partial<CanaryService>, number | undefined]>([
  ["behind a gateway with port discovery", { portDiscovery: true, gateways: ["shop/gw", "mesh"] }, 80],
  ["in the mesh", { portDiscovery: true, gateways: ["mesh"] }, undefined],
  ["without port discovery", { gateways: ["shop/gw"] }, undefined],
])("istio: port of the destinations %s (pinned 44)", (_, service, port) => {
  const route = planned({ service }).routes.spec.http?.[0]?.route;
  expect(route?.map((to) => to.destination.port?.number)).toEqual([port, port]);
});

test("istio: a host that is added to the Canary is added to the routes, a gateway that is added to the routes goes (pinned 41)", () => {
  const { routes } = planned({});
  expect(rewritten({ service: { hosts: ["new.example.com"] } }, routes)?.spec.hosts).toEqual([
    "new.example.com",
    "web",
  ]);
  const edited = { ...routes, spec: { ...routes.spec, gateways: ["mesh", "shop/manual"] } };
  expect(rewritten({}, edited)?.spec.gateways).toEqual(["mesh"]);
});

test("istio: repairing keeps the weights that are asked for", () => {
  const { routes } = planned({}, desiredOf(30));
  const edited = { ...routes, spec: { ...routes.spec, hosts: [] } };
  expect(rewritten({}, edited, desiredOf(30))?.spec.http?.[0]?.route?.map(({ weight }) => weight)).toEqual([70, 30]);
});

test("istio: what others add beside our fields is no reason to write", () => {
  const service = { apex: { labels: { team: "a" } } };
  const { routes } = planned({ service });
  const live: VirtualService = {
    ...routes,
    metadata: {
      ...routes.metadata,
      labels: { team: "a", other: "1" },
      annotations: { ...routes.metadata.annotations, tool: "1" },
    },
    spec: { ...routes.spec, exportTo: ["."], tls: [] },
  };
  expect(rewritten({ service }, live)).toBeUndefined();
});

test("istio: a weight of 0 that a client left out, and empty lists that it wrote, are no drift", () => {
  const { routes } = planned({});
  const [toPrimary, toCanary] = routes.spec.http?.[0]?.route ?? [];
  const route = [toPrimary!, { destination: toCanary!.destination }];
  expect(rewritten({}, withRoute(routes, { route, match: [] }))).toBeUndefined();
});

test("istio: a repair alone neither starts nor stops mirroring (pinned 43)", () => {
  const mirrored = desiredOf(0, { isMirrored: true });
  const { routes } = planned({ analysis: { mirror: true } }, mirrored);
  expect(rewritten({ analysis: { mirror: true } }, routes, mirrored)).toBeUndefined();
  expect(rewritten({ analysis: { mirror: true } }, routes)?.spec.http?.[0]).not.toHaveProperty("mirror");
});

test("istio: fault and name of our route survive a step, its redirect does not", () => {
  const { routes } = planned({});
  const fault = { delay: { fixedDelay: "1s", percentage: { value: 5 } } };
  const live = withRoute(routes, { name: "main", fault });
  expect(rewritten({}, live)).toBeUndefined();
  const next = rewritten({}, withRoute(live, { redirect: { uri: "/" } }), desiredOf(10));
  expect(next?.spec.http).toEqual([{ name: "main", fault, route: expect.anything() }]);
});

test("istio: in an A/B test both routes keep the fault, and the tested one the name", () => {
  const test = { analysis: { match: [{ headers: { "x-canary": { exact: "1" } } }], iterations: 2 } };
  const { routes } = planned({});
  const fault = { abort: { httpStatus: 503 } };
  const next = rewritten(test, withRoute(routes, { name: "main", fault }), desiredOf(100));
  expect(next?.spec.http?.map((route) => [route.name, route.fault])).toEqual([
    ["main", fault],
    [undefined, fault],
  ]);
});

test("istio: a mirror to somebody else stays, beside ours while the release mirrors", () => {
  const { routes } = planned({});
  const theirs = { mirror: { host: "audit" }, mirrorPercentage: { value: 5 } };
  const live = withRoute(routes, theirs);
  expect(rewritten({}, live)).toBeUndefined();
  expect(istio.read(contextOf({}), liveOf(live))).toMatchObject({ state: { isMirrored: false } });

  const mirrored = rewritten({ analysis: { mirrorWeight: 20 } }, live, desiredOf(0, { isMirrored: true }));
  const audit = { destination: { host: "audit" }, percentage: { value: 5 } };
  expect(mirrored?.spec.http?.[0]).toMatchObject({
    mirrors: [audit, { destination: { host: "web-canary" }, percentage: { value: 20 } }],
  });
  expect(mirrored?.spec.http?.[0]).not.toHaveProperty("mirror");
  expect(istio.read(contextOf({}), liveOf(mirrored!))).toMatchObject({ state: { isMirrored: true } });
  expect(rewritten({}, mirrored!)?.spec.http?.[0]?.mirrors).toEqual([audit]);
});

test("istio: routes of the other protocol are emptied when they lead to the copies", () => {
  const tcp = { service: { appProtocol: "tcp" } };
  expect(rewritten(tcp, planned({}).routes)?.spec).toMatchObject({ http: [], tcp: [{}] });
  expect(rewritten({}, planned(tcp).routes)?.spec).toMatchObject({ tcp: [], http: [{}] });
  expect(rewritten(tcp, foreign)?.spec).not.toHaveProperty("http");
});

test("istio: weights are those of the last route to both copies, whatever the form of the host", () => {
  const read = (primaryWeight: number, canaryWeight: number) =>
    istio.read(
      contextOf({}),
      liveOf({
        ...foreign,
        spec: {
          http: [
            { route: [{ destination: { host: "web-canary" }, weight: 100 }] },
            {
              route: [
                { destination: { host: "web-primary.shop.svc.cluster.local" }, weight: primaryWeight },
                { destination: { host: "web-canary.shop" }, weight: canaryWeight },
              ],
            },
            { route: [{ destination: { host: "web-canary.other" } }] },
          ],
        },
      }),
    );
  expect(read(70, 30)).toEqual({ kind: "read", state: { primaryWeight: 70, canaryWeight: 30, isMirrored: false } });
  expect(read(0, 0)).toEqual({ kind: "absent" });
  expect(istio.read(contextOf({}), liveOf(foreign))).toEqual({ kind: "absent" });
});

test("istio: a policy of our own loses what is no longer wanted, one of others only gets ours", () => {
  const outlierDetection = { consecutive5xxErrors: 5 };
  const { primary, canary, routes } = planned({ service: { trafficPolicy: { outlierDetection } } });
  const plan = (live: DestinationRule) => istio.plan(contextOf({}), desiredOf(0), liveOf(live, canary, routes));
  expect(plan({ ...primary, spec: { ...primary.spec, exportTo: ["."] } })[0]).toMatchObject({
    kind: "update",
    object: { spec: { host: "web-primary", exportTo: ["."] } },
  });
  const { ownerReferences: _, ...metadata } = primary.metadata;
  expect(plan({ ...primary, metadata }).map(({ resource }) => resource.kind)).toEqual(["DestinationRule"]);
  expect(objectsOf(plan({ ...primary, metadata }))[0]?.metadata.name).toBe("web-canary");
});

test("istio: a VirtualService that was there before gets no owner, and its spec is written down once", () => {
  const adopted = rewritten({}, foreign);
  expect(adopted?.metadata.ownerReferences).toBeUndefined();
  const original = adopted?.metadata.annotations?.[ORIGINAL_ANNOTATION];
  expect(JSON.parse(original ?? "")).toEqual(foreign.spec);

  const { ownerReferences: _, ...metadata } = planned({}).routes.metadata;
  const live = { ...planned({}).routes, metadata: { ...metadata, annotations: adopted?.metadata.annotations ?? {} } };
  expect(rewritten({}, live, desiredOf(10))?.metadata.annotations?.[ORIGINAL_ANNOTATION]).toBe(original);
  const lost = rewritten({}, { ...live, metadata }, desiredOf(10));
  expect(lost?.metadata.annotations).not.toHaveProperty(ORIGINAL_ANNOTATION);
});

test("istio: what kubectl wrote down is original enough", () => {
  const live = { ...foreign, metadata: { ...foreign.metadata, annotations: { [KUBECTL]: "{}" } } };
  expect(rewritten({}, live)?.metadata.annotations).not.toHaveProperty(ORIGINAL_ANNOTATION);
});

const toApex = { hosts: ["web"], gateways: ["mesh"], http: [{ route: [{ destination: { host: "web" } }] }] };

test.each<[string, Readonly<Record<string, string>>, object]>([
  ["nothing written down", {}, toApex],
  ["the original", { [ORIGINAL_ANNOTATION]: '{"hosts":["original"]}' }, { hosts: ["original"] }],
  [
    "what kubectl wrote down, which comes first",
    { [ORIGINAL_ANNOTATION]: '{"hosts":["original"]}', [KUBECTL]: '{"spec":{"hosts":["kubectl"]}}' },
    { hosts: ["kubectl"] },
  ],
  ["an annotation that cannot be read", { [ORIGINAL_ANNOTATION]: "{" }, toApex],
  ["an original that is a spec of ours", { [ORIGINAL_ANNOTATION]: JSON.stringify(planned({}).routes.spec) }, toApex],
])("istio restore: %s (pinned 45)", (_, annotations, spec) => {
  const context = contextOf({ service: { apex: { labels: { team: "a" }, annotations: { ours: "1" } } } });
  const { metadata, spec: routes } = planned({}, desiredOf(0, { isMirrored: true })).routes;
  const adopted = {
    ...foreign,
    metadata: { ...foreign.metadata, annotations: { ...metadata.annotations, ours: "1", theirs: "1", ...annotations } },
    spec: routes,
  };
  const [restored, ...more] = objectsOf(istio.restore(context, liveOf(adopted)));
  expect(more).toEqual([]);
  expect(restored?.spec).toEqual(spec);
  const { [ORIGINAL_ANNOTATION]: __, ...kept } = annotations;
  expect(restored?.metadata).toMatchObject({ annotations: { theirs: "1", ...kept }, labels: {} });
  expect(restored?.metadata.annotations).not.toHaveProperty("ours");
});

test("istio restore: routes of every mode lead to the apex, mirrors to others stay", () => {
  const tested = { analysis: { iterations: 2, match: [{ headers: { a: { exact: "1" } } }] } };
  const { routes } = planned(tested, desiredOf(100));
  const { ownerReferences: _, ...metadata } = routes.metadata;
  const live = {
    ...routes,
    metadata,
    spec: { ...routes.spec, http: [...(routes.spec.http ?? []), { mirror: { host: "x" } }] },
  };
  const [restored] = objectsOf(istio.restore(contextOf(tested), liveOf(live)));
  expect(restored?.spec).toMatchObject({
    http: [
      { match: [{ headers: { a: { exact: "1" } } }], route: [{ destination: { host: "web" } }] },
      { route: [{ destination: { host: "web" } }] },
      { mirror: { host: "x" } },
    ],
  });
});

test("istio restore: neither what is missing, nor what goes with the Canary, nor what was never touched (pinned 45)", () => {
  expect(istio.restore(contextOf({}), liveOf())).toEqual([]);
  expect(istio.restore(contextOf({}), liveOf(planned({}).routes))).toEqual([]);
  expect(istio.restore(contextOf({}), liveOf(foreign))).toEqual([]);
});

test.each<[string, RouteCase, string[]]>([
  [
    "TCP with what needs requests",
    {
      service: { appProtocol: "tcp", match: [{ port: 80, uri: { prefix: "/" } }] },
      analysis: { mirror: true, match: [{ headers: { a: { exact: "b" } } }], sessionAffinity: { cookieName: "a" } },
    },
    ["spec.analysis.match", "spec.analysis.mirror", "spec.analysis.sessionAffinity", "spec.service.match[0].uri"],
  ],
  [
    "a test of everybody",
    { analysis: { match: [{}, { headers: {} }] } },
    ["spec.analysis.match[0]", "spec.analysis.match[1]"],
  ],
  [
    "affinity of routes that match cookies themselves",
    {
      service: { match: [{ headers: { cookie: { exact: "a" } } }] },
      analysis: { sessionAffinity: { cookieName: "a" } },
    },
    ["spec.service.match[0].headers.cookie"],
  ],
])("istio problems: %s", (_, routeCase, paths) => {
  expect(istio.problems(contextOf(routeCase), liveOf()).map(({ path }) => path)).toEqual(paths);
});

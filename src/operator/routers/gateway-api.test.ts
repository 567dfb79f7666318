import { expect, test } from "vitest";
import type { Condition, GatewayHTTPRoute, HTTPRouteRule, ParentReference } from "#api";
import { gatewayApi } from "./gateway-api.ts";
import { contextOf, desiredOf, liveOf, objectsOf, type RouteCase } from "./rehearsal-context.ts";
import type { DesiredRoutes } from "./router.ts";

const gatewayRefs = [{ name: "public" }];
const plain: RouteCase = { service: { gatewayRefs } };

function routeOf(routeCase: RouteCase, live?: GatewayHTTPRoute, desired: DesiredRoutes = desiredOf(0)) {
  const patches = gatewayApi.plan(contextOf(routeCase), desired, live === undefined ? liveOf() : liveOf(live));
  return objectsOf(patches)[0] as GatewayHTTPRoute | undefined;
}

function withRule(
  route: GatewayHTTPRoute,
  more: HTTPRouteRule & { readonly [field: string]: unknown },
): GatewayHTTPRoute {
  return { ...route, spec: { ...route.spec, rules: [{ ...route.spec.rules?.[0], ...more }] } };
}

const created = routeOf(plain)!;

test("gatewayApi: what a server adds, and what others add, is no reason to write (pinned 46)", () => {
  const live: GatewayHTTPRoute = {
    ...created,
    metadata: {
      ...created.metadata,
      annotations: { ...created.metadata.annotations, theirs: "1" },
      labels: { a: "b" },
    },
    spec: {
      parentRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "public" }],
      rules: [...(created.spec.rules ?? [])],
    },
  };
  expect(routeOf(plain, live)).toBeUndefined();
  expect(routeOf(plain, withRule(live, { addedByLaterVersion: { a: 1 } }))).toBeUndefined();
});

test("gatewayApi: hosts of somebody else go, weights stay as asked", () => {
  const live = { ...created, spec: { ...created.spec, hostnames: ["other.example.com"] } };
  const repaired = routeOf(plain, live, desiredOf(40));
  expect(repaired?.spec.hostnames).toEqual([]);
  expect(repaired?.spec.rules?.[0]?.backendRefs?.map(({ weight }) => weight)).toEqual([60, 40]);
});

test("gatewayApi: retries, name and filters that the Canary cannot express survive a step, a redirect does not", () => {
  const extension = { type: "ExtensionRef", extensionRef: { group: "a", kind: "B", name: "c" } };
  const redirect = { type: "RequestRedirect", requestRedirect: { scheme: "https" } };
  const live = withRule(created, { name: "main", retry: { attempts: 2 }, filters: [extension, redirect] });
  const next = routeOf(plain, live, desiredOf(10));
  expect(next?.spec.rules?.[0]).toMatchObject({ name: "main", retry: { attempts: 2 }, filters: [extension] });
  expect(routeOf(plain, next!, desiredOf(10))).toBeUndefined();
});

test("gatewayApi: the mirror to the canary comes and goes with the step, those of the spec stay (pinned 46)", () => {
  const spec: RouteCase = { service: { gatewayRefs, mirror: [{ backendRef: { name: "shadow", port: 80 } }] } };
  const mirrorsOf = (route: GatewayHTTPRoute | undefined) =>
    route?.spec.rules?.[0]?.filters?.map(({ requestMirror }) => requestMirror?.backendRef.name);
  const mirrored = routeOf(spec, routeOf(spec), desiredOf(0, { isMirrored: true }));
  expect(mirrorsOf(mirrored)).toEqual(["shadow", "web-canary"]);
  expect(mirrorsOf(routeOf(spec, mirrored))).toEqual(["shadow"]);
});

test("gatewayApi: one that was there before gets no owner, and gets its spec back", () => {
  const foreign: GatewayHTTPRoute = {
    ...created,
    metadata: { name: "web", namespace: "shop" },
    spec: { rules: [{ backendRefs: [{ name: "web", port: 80 }] }] },
  };
  const adopted = routeOf(plain, foreign)!;
  expect(adopted.metadata.ownerReferences).toBeUndefined();
  const [restored] = gatewayApi.restore(contextOf(plain), liveOf(adopted));
  expect(restored).toMatchObject({ kind: "update", object: { spec: foreign.spec, metadata: { annotations: {} } } });

  const { annotations: _, ...metadata } = adopted.metadata;
  const [led] = objectsOf(gatewayApi.restore(contextOf(plain), liveOf({ ...adopted, metadata })));
  expect(led?.spec).toMatchObject({ rules: [{ backendRefs: [{ name: "web", port: 80 }] }] });
});

const parent = (ref: ParentReference, accepted: Partial<Condition>) => ({
  parentRef: ref,
  controllerName: "a/b",
  conditions: [{ type: "Accepted", status: "True" as const, observedGeneration: 2, ...accepted }],
});

test.each<[string, ReturnType<typeof parent>[], string]>([
  ["no word yet", [], "read"],
  ["accepted", [parent({ name: "public" }, {})], "read"],
  [
    "accepted with the parent's defaults written out",
    [parent({ name: "public", namespace: "shop", kind: "Gateway" }, {})],
    "read",
  ],
  ["refused", [parent({ name: "public" }, { status: "False", message: "no such listener" })], "problem"],
  ["accepted before the last change", [parent({ name: "public" }, { observedGeneration: 1 })], "problem"],
  ["refused by a parent that is not ours", [parent({ name: "other" }, { status: "False" })], "read"],
  [
    "accepted by one controller, refused by another",
    [parent({ name: "public" }, {}), parent({ name: "public" }, { status: "False" })],
    "problem",
  ],
])("gatewayApi read: %s (pinned 46)", (_, parents, kind) => {
  const live = { ...created, metadata: { ...created.metadata, generation: 2 }, status: { parents } };
  const reading = gatewayApi.read(contextOf(plain), liveOf(live));
  expect(reading.kind).toBe(kind);
  if (reading.kind === "problem")
    expect(reading.message).toMatch(
      /^HTTPRoute shop\/web parent public is not ready \(status: (True|False), observed generation: [12], current generation: 2\)/,
    );
});

test("gatewayApi read: a backend without a weight has 1, and weights that do not add up to 100 are none", () => {
  const backendRefs = ["web-primary", "web-canary"].map((name) => ({ name, port: 80 }));
  expect(gatewayApi.read(contextOf(plain), liveOf(withRule(created, { backendRefs })))).toEqual({ kind: "absent" });
});

test.each<[string, RouteCase, string[]]>([
  ["no parent", {}, ["spec.service.gatewayRefs"]],
  [
    "conditions of a test that would be left out",
    {
      service: { gatewayRefs },
      analysis: {
        match: [
          { headers: { a: { prefix: "b" }, c: { suffix: "d" } }, queryParams: { e: { prefix: "f" } } },
          { sourceLabels: { app: "shop" } },
        ],
      },
    },
    ["match[0].headers.a", "match[0].headers.c", "match[0].queryParams.e", "match[1].sourceLabels"].map(
      (path) => `spec.analysis.${path}`,
    ),
  ],
  [
    "conditions of the service that would be left out",
    {
      service: {
        gatewayRefs,
        match: [
          {
            method: { regex: "G.*" },
            headers: { a: {} },
            port: 80,
            ignoreUriCase: true,
            withoutHeaders: { b: {} },
            name: "fine",
          },
        ],
      },
    },
    ["port", "withoutHeaders", "ignoreUriCase", "method", "headers.a"].map((path) => `spec.service.match[0].${path}`),
  ],
  [
    "times that cannot be read",
    { service: { gatewayRefs, timeout: "soon", backendTimeout: "1d" } },
    ["spec.service.timeout", "spec.service.backendTimeout"],
  ],
  [
    "a rewrite of the prefix of two matches",
    {
      service: {
        gatewayRefs,
        rewrite: { uri: "/", type: "ReplacePrefixMatch" },
        match: [{ uri: { prefix: "/a" } }, { uri: { prefix: "/b" } }],
      },
    },
    ["spec.service.rewrite.type"],
  ],
  [
    "more matches than a rule can have",
    {
      service: { gatewayRefs, match: Array.from({ length: 33 }, (__, i) => ({ uri: { prefix: `/${i}` } })) },
      analysis: { match: [{ headers: { a: { exact: "1" } } }, { headers: { a: { exact: "2" } } }] },
    },
    ["spec.analysis.match"],
  ],
])("gatewayApi problems: %s", (_, routeCase, paths) => {
  expect(gatewayApi.problems(contextOf(routeCase), liveOf()).map(({ path }) => path)).toEqual(paths);
});

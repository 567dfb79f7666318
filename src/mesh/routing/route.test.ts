import { expect, test } from "vitest";
import type { HTTPMatchRequest, HTTPRoute, VirtualService } from "#api";
import { compileMesh, type MeshConfig, type MeshObjects } from "./compile-mesh.ts";
import { destinationRule, endpointSlice, gateway, meshObjects, pod, service, virtualService } from "./mesh-fixture.ts";
import { findCluster, type RouteDecision, route } from "./route.ts";
import type { RouteClient, RouteRequest } from "./route-request.ts";

const MESH_CLIENT: RouteClient = { kind: "mesh", namespace: "shop", labels: { app: "front" }, gateways: ["mesh"] };
const GATEWAY_CLIENT: RouteClient = { kind: "gateway", namespace: "istio-system", labels: {}, gateways: ["shop/edge"] };

interface Ask {
  readonly client?: RouteClient;
  readonly authority?: string;
  readonly port?: number;
  readonly method?: string;
  /** Path and query. */
  readonly target?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

function requestOf(ask: Ask): RouteRequest {
  const [path = "", query] = (ask.target ?? "/").split("?");
  return {
    client: ask.client ?? MESH_CLIENT,
    port: ask.port ?? 80,
    method: ask.method ?? "GET",
    scheme: "http",
    authority: ask.authority ?? "web.shop",
    path,
    query,
    header: (name) => ask.headers?.[name],
  };
}

/** `forward host|subset port path`, `redirect status location`, `reply status`, or the kind. */
function outcome(decision: RouteDecision): string {
  switch (decision.kind) {
    case "forward": {
      const targets = decision.action.targets.map(
        ({ host, subset, port, weight }) => `${host.split(".")[0]}${subset}${port ?? ""}*${weight}`,
      );
      return `${targets.join("+")} ${decision.path}`;
    }
    case "redirect":
      return `redirect ${decision.status} ${decision.location}`;
    case "reply":
      return `reply ${decision.status} ${decision.body}`;
    case "noRoute":
    case "unknownHost":
      return decision.kind;
  }
}

const NAMES = ["web", "web-canary", "front"];

function meshOf(objects: Partial<MeshObjects>): MeshConfig {
  return compileMesh(
    meshObjects({ services: NAMES.map((name) => service({ name }, [{ name: "http", port: 80 }])), ...objects }),
  );
}

function meshWith(http: readonly HTTPRoute[]): MeshConfig {
  return meshOf({ virtualServices: [virtualService({ name: "web" }, { hosts: ["web"], http })] });
}

function go(config: MeshConfig, ask: Ask = {}): string {
  return outcome(route(config, requestOf(ask)));
}

const toWeb = { route: [{ destination: { host: "web" } }] };
const toCanary = { route: [{ destination: { host: "web-canary" } }] };

test("route sends hosts without a VirtualService to their Service, by every name", () => {
  const config = meshOf({ services: [service({ name: "web" }, [{ name: "http", port: 80 }], "127.1.128.1")] });
  for (const authority of [
    "web",
    "web.shop",
    "web.shop.svc",
    "web.shop.svc.cluster.local",
    "WEB.shop:80",
    "127.1.128.1:80",
  ])
    expect(go(config, { authority, target: "/a" })).toBe("web*1 /a");
  expect(go(config, { authority: "web", client: { ...MESH_CLIENT, namespace: "other" } })).toBe("unknownHost");
  expect(go(config, { authority: "web.shop.example.com" })).toBe("unknownHost");
});

const matches: readonly [string, HTTPMatchRequest, Ask, boolean][] = [
  ["uri exact", { uri: { exact: "/a" } }, { target: "/a?x=1" }, true],
  ["uri exact is the whole path", { uri: { exact: "/a" } }, { target: "/a/" }, false],
  ["uri prefix is plain text", { uri: { prefix: "/foo" } }, { target: "/foobar" }, true],
  ["uri prefix keeps case", { uri: { prefix: "/Foo" } }, { target: "/foo" }, false],
  ["ignoreUriCase", { uri: { prefix: "/Foo" }, ignoreUriCase: true }, { target: "/fOO/x" }, true],
  ["uri regex is a full match", { uri: { regex: "/v[0-9]+" } }, { target: "/v12/x" }, false],
  ["uri regex", { uri: { regex: "/v[0-9]+/.*" } }, { target: "/v12/x" }, true],
  ["uri without a condition", { uri: {} }, { target: "/any" }, true],
  ["method", { method: { exact: "POST" } }, { method: "POST" }, true],
  ["method keeps case", { method: { exact: "POST" } }, { method: "post" }, false],
  ["scheme", { scheme: { exact: "https" } }, {}, false],
  ["authority with its port", { authority: { exact: "web.shop:80" } }, { authority: "web.shop:80" }, true],
  ["authority without its port", { authority: { exact: "web.shop" } }, { authority: "web.shop:80" }, false],
  [
    "header exact, any case of its name",
    { headers: { "X-User": { exact: "me" } } },
    { headers: { "x-user": "me" } },
    true,
  ],
  ["header present", { headers: { "x-user": {} } }, { headers: { "x-user": "" } }, true],
  ["header absent", { headers: { "x-user": {} } }, {}, false],
  ["header regex *", { headers: { "x-user": { regex: "*" } } }, { headers: { "x-user": "a" } }, true],
  ["pseudo header", { headers: { ":method": { exact: "PUT" } } }, { method: "PUT" }, true],
  ["key that is no header", { headers: { uri: { exact: "/never" } } }, {}, true],
  ["withoutHeaders present", { withoutHeaders: { "x-a": {} } }, { headers: { "x-a": "1" } }, false],
  ["withoutHeaders absent", { withoutHeaders: { "x-a": {} } }, {}, true],
  ["withoutHeaders: absent is the empty text", { withoutHeaders: { "x-a": { exact: "1" } } }, {}, true],
  ["withoutHeaders: the empty text matches", { withoutHeaders: { "x-a": { regex: ".*" } } }, {}, false],
  ["query exact", { queryParams: { a: { exact: "1" } } }, { target: "/?b=2&a=1" }, true],
  ["query: the first one counts", { queryParams: { a: { exact: "2" } } }, { target: "/?a=1&a=2" }, false],
  ["query empty", { queryParams: { a: { exact: "" } } }, { target: "/?a" }, true],
  ["query present", { queryParams: { a: {} } }, { target: "/?b" }, false],
  ["port", { port: 80 }, {}, true],
  ["another port", { port: 81 }, {}, false],
  ["sourceNamespace", { sourceNamespace: "other" }, {}, false],
  ["sourceLabels", { sourceLabels: { app: "front" } }, {}, true],
  ["sourceLabels of another", { sourceLabels: { app: "back" } }, {}, false],
  ["gateways make the source not count", { gateways: ["mesh"], sourceNamespace: "other" }, {}, true],
  ["gateways", { gateways: ["edge"] }, {}, false],
  [
    "all parts",
    { uri: { prefix: "/" }, method: { exact: "GET" }, headers: { a: { exact: "1" } } },
    { headers: { a: "2" } },
    false,
  ],
];

test.each(matches)("route matches by %s", (_, match, ask, expected) => {
  const config = meshWith([{ match: [match], ...toCanary }, toWeb]);
  expect(go(config, ask).startsWith("web-canary")).toBe(expected);
});

test("route takes the first route of which one match holds", () => {
  const config = meshWith([
    { match: [{ uri: { exact: "/x" } }, { headers: { beta: { exact: "1" } } }], ...toCanary },
    { match: [{ uri: { prefix: "/" } }], ...toWeb },
    { match: [{ uri: { exact: "/dead" } }], directResponse: { status: 500 } },
  ]);
  expect(go(config, { headers: { beta: "1" } })).toBe("web-canary*1 /");
  expect(go(config, { target: "/dead" })).toBe("web*1 /dead");
});

test("route answers noRoute when a VirtualService has no route for the request", () => {
  expect(go(meshWith([{ match: [{ uri: { exact: "/only" } }], ...toWeb }]), { target: "/other" })).toBe("noRoute");
});

const rewrites: readonly [HTTPRoute, string, string][] = [
  [{ match: [{ uri: { prefix: "/api" } }], rewrite: { uri: "/" } }, "/api/x", "//x"],
  [{ match: [{ uri: { prefix: "/api/" } }], rewrite: { uri: "/" } }, "/api/x", "/x"],
  [{ match: [{ uri: { exact: "/a" } }], rewrite: { uri: "/b" } }, "/a", "/b"],
  [{ match: [{ uri: { regex: "/a.*" } }], rewrite: { uri: "/b" } }, "/a/c", "/b"],
  [{ rewrite: { uri: "/v2" } }, "/foo", "/v2foo"],
  [{ rewrite: { uri: "/" } }, "/foo", "/foo"],
  [{ rewrite: { uriRegexRewrite: { match: "^/u/([^/]+)/(.*)$", rewrite: "/\\2/\\1" } } }, "/u/me/cart", "/cart/me"],
];

test.each(rewrites)("route rewrites by %j", (spec, target, path) => {
  expect(go(meshWith([{ ...spec, ...toWeb }]), { target })).toBe(`web*1 ${path}`);
});

const redirects: readonly [HTTPRoute["redirect"] & object, string][] = [
  [{ uri: "/b" }, "301 http://web.shop/b?q=1"],
  [{ authority: "other.org" }, "301 http://other.org/a/x?q=1"],
  [{ scheme: "https", redirectCode: 307 }, "307 https://web.shop/a/x?q=1"],
  [{ scheme: "https", port: 8443 }, "301 https://web.shop:8443/a/x?q=1"],
  [{ scheme: "https", port: 443 }, "301 https://web.shop/a/x?q=1"],
  [{ uri: "/b", derivePort: "FROM_REQUEST_PORT" }, "301 http://web.shop/b?q=1"],
];

test.each(redirects)("route redirects by %j", (redirect, expected) => {
  expect(go(meshWith([{ redirect }]), { target: "/a/x?q=1" })).toBe(`redirect ${expected}`);
});

test("route drops weights of 0 and ignores the weight of an only destination", () => {
  const destinations = (first: number, second: number) => [
    { destination: { host: "web", port: { number: 80 } }, weight: first },
    { destination: { host: "web-canary", subset: "-v2" }, weight: second },
  ];
  expect(go(meshWith([{ route: destinations(100, 0) }]))).toBe("web80*100 /");
  expect(go(meshWith([{ route: destinations(70, 20) }]))).toBe("web80*70+web-canary-v2*20 /");
  expect(go(meshWith([{ route: [{ destination: { host: "web" }, weight: 0 }] }]))).toBe("web*1 /");
});

test("route keeps VirtualServices of gateways and of the mesh apart", () => {
  const edge = gateway({ name: "edge" }, ["*.example.com"]);
  const config = meshOf({
    gateways: [edge],
    virtualServices: [
      virtualService(
        { name: "both", createdSecond: 1 },
        {
          hosts: ["web.example.com"],
          gateways: ["edge", "mesh"],
          http: [{ match: [{ gateways: ["mesh"] }], ...toCanary }, toWeb],
        },
      ),
      virtualService({ name: "inside", createdSecond: 2 }, { hosts: ["web"], http: [toCanary] }),
    ],
  });
  const outside = { client: GATEWAY_CLIENT, authority: "web.example.com" };
  expect(go(config, outside)).toBe("web*1 /");
  expect(go(config, { ...outside, authority: "WEB.example.com:8080" })).toBe("web*1 /");
  expect(go(config, { ...outside, authority: "web.shop" })).toBe("noRoute");
  expect(go(config, { ...outside, port: 81 })).toBe("noRoute");
  expect(go(config, { authority: "web.example.com" })).toBe("web-canary*1 /");
  expect(go(config, { authority: "web.example.com", port: 8080 })).toBe("unknownHost");
  expect(go(config)).toBe("web-canary*1 /");
});

test("route prefers exact hosts, then the longest wildcard", () => {
  const edge = gateway({ name: "edge" }, ["*"]);
  const of = (name: string, host: string, status: number): VirtualService =>
    virtualService({ name }, { hosts: [host], gateways: ["edge"], http: [{ directResponse: { status } }] });
  const config = meshOf({
    gateways: [edge],
    virtualServices: [
      of("any", "*", 400),
      of("short", "*.com", 401),
      of("long", "*.shop.com", 402),
      of("exact", "a.shop.com", 403),
    ],
  });
  const at = (authority: string): string => go(config, { client: GATEWAY_CLIENT, authority });
  expect(["a.shop.com", "b.shop.com", "shop.com", "org"].map(at)).toEqual([
    "reply 403 ",
    "reply 402 ",
    "reply 401 ",
    "reply 400 ",
  ]);
});

test("route at a gateway joins VirtualServices of a host, catch-alls last; in the mesh the older one owns the host", () => {
  const older = { name: "older", createdSecond: 1 };
  const newer = { name: "newer", createdSecond: 2 };
  const special: HTTPRoute = { match: [{ uri: { prefix: "/special" } }], ...toCanary };
  const config = meshOf({
    gateways: [gateway({ name: "edge" }, ["a.com"])],
    virtualServices: [
      virtualService(newer, { hosts: ["a.com"], gateways: ["edge"], http: [special] }),
      virtualService(older, { hosts: ["a.com"], gateways: ["edge"], http: [toWeb] }),
      virtualService({ ...newer, name: "newer-web" }, { hosts: ["web"], http: [special] }),
      virtualService({ ...older, name: "older-web" }, { hosts: ["web"], http: [toWeb] }),
    ],
  });
  expect(go(config, { client: GATEWAY_CLIENT, authority: "a.com", target: "/special" })).toBe("web-canary*1 /special");
  expect(go(config, { client: GATEWAY_CLIENT, authority: "a.com", target: "/" })).toBe("web*1 /");
  expect(go(config, { target: "/special" })).toBe("web*1 /special");
});

test("route honours exportTo, server host namespaces and httpsRedirect", () => {
  const hidden = virtualService(
    { name: "hidden", createdSecond: 1 },
    { hosts: ["web.shop.svc.cluster.local"], exportTo: ["."], http: [toCanary] },
  );
  const config = meshOf({ virtualServices: [hidden] });
  expect(go(config)).toBe("web-canary*1 /");
  expect(go(config, { client: { ...MESH_CLIENT, namespace: "other" } })).toBe("web*1 /");
  const limited = meshOf({
    gateways: [gateway({ name: "edge" }, ["other/*", "shop/only.com"])],
    virtualServices: ["only.com", "else.com"].map((host) =>
      virtualService({ name: host }, { hosts: [host], gateways: ["edge"], http: [toWeb] }),
    ),
  });
  expect(go(limited, { client: GATEWAY_CLIENT, authority: "only.com" })).toBe("web*1 /");
  expect(go(limited, { client: GATEWAY_CLIENT, authority: "else.com" })).toBe("noRoute");
  const edge = gateway({ name: "edge" }, ["a.com"]);
  const secure = {
    ...edge,
    spec: { servers: [{ port: { number: 80, protocol: "HTTP" }, hosts: ["a.com"], tls: { httpsRedirect: true } }] },
  };
  const redirecting = meshOf({
    gateways: [secure],
    virtualServices: [virtualService({ name: "a" }, { hosts: ["a.com"], gateways: ["edge"], http: [toWeb] })],
  });
  expect(go(redirecting, { client: GATEWAY_CLIENT, authority: "a.com:80", target: "/x?y" })).toBe(
    "redirect 301 https://a.com/x?y",
  );
});

test("route follows a delegate, whose matches are narrowed by the root's", () => {
  const root = virtualService(
    { name: "root" },
    {
      hosts: ["web"],
      http: [
        { match: [{ uri: { prefix: "/team" } }], timeout: "7s", delegate: { name: "team", namespace: "team" } },
        { match: [{ uri: { prefix: "/gone" } }], delegate: { name: "missing" } },
        { directResponse: { status: 404 } },
      ],
    },
  );
  const team = virtualService(
    { name: "team", namespace: "team" },
    {
      http: [
        {
          match: [{ uri: { prefix: "/team/a" } }],
          route: [{ destination: { host: "web-canary.shop.svc.cluster.local" } }],
        },
        { match: [{ uri: { prefix: "/elsewhere" } }], directResponse: { status: 500 } },
        { route: [{ destination: { host: "own" } }] },
      ],
    },
  );
  const config = meshOf({ virtualServices: [root, team] });
  expect(go(config, { target: "/team/a/b" })).toBe("web-canary*1 /team/a/b");
  const decision = route(config, requestOf({ target: "/team/z" }));
  expect(decision.kind === "forward" && [decision.action.targets[0]?.host, decision.rule.timeoutMs]).toEqual([
    "own.team.svc.cluster.local",
    7000,
  ]);
  expect(go(config, { target: "/elsewhere" })).toBe("reply 404 ");
  expect(go(config, { target: "/gone" })).toBe("reply 404 ");
  expect(config.findings).toMatchObject([{ object: "VirtualService shop/root", code: "unresolved" }]);
});

test("findCluster takes the destination's port, else the only one, else the one that was dialled", () => {
  const config = meshOf({
    services: [
      service({ name: "one" }, [{ name: "http", port: 9898 }]),
      service({ name: "two" }, [
        { name: "http", port: 9898 },
        { name: "metrics", port: 9797 },
      ]),
    ],
  });
  const keyOf = (host: string, port: number | undefined, dialled: number): string | undefined =>
    findCluster(
      config,
      { host: `${host}.shop.svc.cluster.local`, subset: "", port },
      { client: GATEWAY_CLIENT, port: dialled },
    )?.key;
  expect(keyOf("one", undefined, 80)).toBe("outbound|9898||one.shop.svc.cluster.local");
  expect(keyOf("two", undefined, 9797)).toBe("outbound|9797||two.shop.svc.cluster.local");
  expect(keyOf("two", undefined, 80)).toBeUndefined();
  expect(keyOf("two", 9898, 80)).toBe("outbound|9898||two.shop.svc.cluster.local");
  expect(keyOf("one", 1, 80)).toBeUndefined();
  expect(keyOf("none", 80, 80)).toBeUndefined();
});

test("findCluster lets the client's own DestinationRule hide that of the service", () => {
  const rule = (namespace: string, subset: string) =>
    destinationRule({ name: "web", namespace }, { host: "web.shop.svc.cluster.local", subsets: [{ name: subset }] });
  const config = meshOf({
    destinationRules: [rule("shop", "ours"), rule("load", "theirs"), rule("istio-system", "root")],
  });
  const has = (namespace: string, subset: string): boolean =>
    findCluster(
      config,
      { host: "web.shop.svc.cluster.local", subset, port: 80 },
      { client: { ...MESH_CLIENT, namespace }, port: 80 },
    ) !== undefined;
  expect([has("shop", "ours"), has("other", "ours"), has("istio-system", "ours"), has("load", "ours")]).toEqual([
    true,
    true,
    true,
    false,
  ]);
  expect([has("load", "theirs"), has("shop", "theirs"), has("shop", "root")]).toEqual([true, false, false]);
});

test("compileMesh picks subsets by pod labels and falls back to pods that still serve while they terminate", () => {
  const pods = ["v1", "v2"].map((version, index) =>
    pod({ name: version, address: `127.1.1.${index + 1}`, labels: { app: "web", version } }),
  );
  const subsets = [{ name: "v2", labels: { version: "v2" } }];
  const slice = endpointSlice({ name: "web" }, pods, { http: 8080 });
  const ending = {
    ...slice,
    endpoints: slice.endpoints.map((endpoint) => ({
      ...endpoint,
      conditions: { ready: false, serving: true, terminating: true },
    })),
  };
  const addresses = (config: MeshConfig, subset: string): string[] =>
    findCluster(
      config,
      { host: "web.shop.svc.cluster.local", subset, port: 80 },
      { client: MESH_CLIENT, port: 80 },
    )?.endpoints.map(({ address }) => address) ?? [];
  const shared = { pods, destinationRules: [destinationRule({ name: "web" }, { host: "web", subsets })] };
  expect(addresses(meshOf({ ...shared, endpointSlices: [slice] }), "v2")).toEqual(["127.1.1.2"]);
  expect(addresses(meshOf({ ...shared, endpointSlices: [ending] }), "")).toEqual(["127.1.1.1", "127.1.1.2"]);
  const unready = {
    ...slice,
    endpoints: slice.endpoints.map((endpoint) => ({ ...endpoint, conditions: { ready: false } })),
  };
  expect(addresses(meshOf({ ...shared, endpointSlices: [unready] }), "")).toEqual([]);
});

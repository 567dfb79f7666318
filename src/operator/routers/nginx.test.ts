import { expect, test } from "vitest";
import type { CanaryMatch, Ingress } from "#api";
import { nginx } from "./nginx.ts";
import { contextOf, desiredOf, liveOf, objectsOf, type RouteCase } from "./rehearsal-context.ts";
import type { RouterContext } from "./router.ts";

const PREFIX = "nginx.ingress.kubernetes.io";
const backend = (name: string) => ({ service: { name, port: { number: 80 } } });

const source: Ingress = {
  apiVersion: "networking.k8s.io/v1",
  kind: "Ingress",
  metadata: {
    name: "shop",
    namespace: "shop",
    labels: { app: "web" },
    annotations: {
      [`${PREFIX}/proxy-body-size`]: "8m",
      [`${PREFIX}/canary-by-header`]: "left-over",
      "kubectl.kubernetes.io/last-applied-configuration": "{}",
      "kustomize.toolkit.fluxcd.io/checksum": "1",
    },
  },
  spec: {
    ingressClassName: "nginx",
    tls: [{ hosts: ["shop.example.com"], secretName: "shop" }],
    rules: [
      {
        host: "shop.example.com",
        http: {
          paths: [
            { path: "/", pathType: "Prefix", backend: backend("web") },
            { path: "/docs", pathType: "Prefix", backend: backend("docs") },
          ],
        },
      },
    ],
  },
};

function contextFor(routeCase: RouteCase = {}): RouterContext {
  const ingressRef = { apiVersion: "networking.k8s.io/v1", kind: "Ingress", name: "shop" };
  return contextOf({ ...routeCase, spec: { ingressRef, ...routeCase.spec } });
}

function planned(context: RouterContext, canaryWeight: number, ...live: Ingress[]): Ingress | undefined {
  return objectsOf(nginx.plan(context, desiredOf(canaryWeight), liveOf(source, ...live)))[0] as Ingress | undefined;
}

/** The annotations of the canary Ingress that begin with `canary`. */
function share(ingress: Ingress | undefined): Record<string, string> {
  const own = Object.entries(ingress?.metadata.annotations ?? {}).filter(([key]) => key.startsWith(`${PREFIX}/canary`));
  return Object.fromEntries(own.map(([key, value]) => [key.slice(PREFIX.length + 1), value]));
}

test("nginx: a copy of the Ingress that leads to the canary where the source leads to the apex", () => {
  const copy = planned(contextFor(), 0);
  expect(copy?.metadata).toEqual({
    name: "shop-canary",
    namespace: "shop",
    labels: { app: "web" },
    annotations: {
      [`${PREFIX}/proxy-body-size`]: "8m",
      [`${PREFIX}/canary`]: "true",
      [`${PREFIX}/canary-weight`]: "0",
    },
    ownerReferences: [expect.objectContaining({ uid: "1" })],
  });
  expect(copy?.spec).toMatchObject({ ingressClassName: "nginx", tls: source.spec.tls });
  expect(copy?.spec.rules?.[0]?.http?.paths.map((path) => path.backend.service?.name)).toEqual(["web-canary", "docs"]);
});

test.each<[string, readonly CanaryMatch[] | undefined, number, Readonly<Record<string, string>>]>([
  ["steady", undefined, 0, { "canary-weight": "0" }],
  ["weights", undefined, 50, { "canary-weight": "50" }],
  [
    "an exact header",
    [{ headers: { "x-a": { exact: "1" } } }],
    100,
    { "canary-weight": "0", "canary-by-header": "x-a", "canary-by-header-value": "1" },
  ],
  [
    "a header's pattern",
    [{ headers: { "x-a": { regex: "1.*" } } }],
    100,
    { "canary-weight": "0", "canary-by-header": "x-a", "canary-by-header-pattern": "1.*" },
  ],
  [
    "a cookie or a header",
    [{ headers: { cookie: { exact: "beta" } } }, { headers: { "x-a": { exact: "1" } } }],
    100,
    { "canary-weight": "0", "canary-by-cookie": "beta", "canary-by-header": "x-a", "canary-by-header-value": "1" },
  ],
  ["a test after its run", [{ headers: { cookie: { exact: "beta" } } }], 0, { "canary-weight": "0" }],
])("nginx: annotations of %s (pinned 48)", (_, match, canaryWeight, expected) => {
  const context = contextFor(match === undefined ? {} : { analysis: { match, iterations: 5 } });
  expect(nginx.problems(context, liveOf(source))).toEqual([]);
  const copy = planned(context, canaryWeight)!;
  expect(share(copy)).toEqual({ canary: "true", ...expected });
  expect(planned(context, canaryWeight, copy)).toBeUndefined();
  expect(nginx.read(context, liveOf(source, copy))).toEqual({
    kind: "read",
    state: { primaryWeight: 100 - canaryWeight, canaryWeight, isMirrored: false },
  });
});

test("nginx: going back from 50 leaves an Ingress that is a canary without a share (pinned 48)", () => {
  const context = contextFor();
  expect(share(planned(context, 0, planned(context, 50)!))).toEqual({ canary: "true", "canary-weight": "0" });
});

test("nginx: a header that another controller left behind is taken away, since it would lead to a canary without pods", () => {
  const context = contextFor();
  const copy = planned(context, 0)!;
  const annotations = { ...copy.metadata.annotations, [`${PREFIX}/canary-by-header`]: "x-a", theirs: "1" };
  const live = { ...copy, metadata: { ...copy.metadata, annotations } };
  const [patch] = nginx.plan(context, desiredOf(0), liveOf(source, live));
  expect(patch).toMatchObject({ kind: "update", object: { metadata: { annotations: { theirs: "1" } } } });
  expect(planned(context, 0, objectsOf([patch!])[0] as Ingress)).toBeUndefined();
});

test("nginx: what goes from the source goes from the copy, what others add to the copy stays", () => {
  const context = contextFor();
  const copy = planned(context, 0)!;
  const labelled = { ...copy, metadata: { ...copy.metadata, labels: { ...copy.metadata.labels, more: "1" } } };
  expect(planned(context, 0, labelled)).toBeUndefined();
  const withDefault = { ...copy, spec: { ...copy.spec, defaultBackend: backend("web-canary") } };
  const [patch] = nginx.plan(context, desiredOf(0), liveOf(source, withDefault));
  expect(patch?.kind).toBe("update");
  expect(objectsOf([patch!])[0]?.spec).toEqual(copy.spec);
});

test("nginx: without the source nothing is written, and nothing is read without the copy", () => {
  expect(nginx.plan(contextFor(), desiredOf(10), liveOf())).toEqual([]);
  expect(nginx.read(contextFor(), liveOf(source))).toEqual({ kind: "absent" });
  expect(nginx.restore(contextFor(), liveOf(source))).toEqual([]);
});

const noApex = {
  ...source,
  spec: { rules: [{ http: { paths: [{ pathType: "Exact" as const, backend: backend("docs") }] } }] },
};

test.each<[string, RouterContext, Ingress[], string[]]>([
  ["no ingressRef", contextOf({}), [source], ["spec.ingressRef.name"]],
  ["an Ingress that is not there", contextFor(), [], ["spec.ingressRef.name"]],
  ["an Ingress that does not lead to the apex (pinned 48)", contextFor(), [noApex], ["spec.ingressRef.name"]],
  [
    "conditions that NGINX does not have",
    contextFor({
      analysis: {
        mirror: true,
        sessionAffinity: { cookieName: "a" },
        match: [
          { headers: { a: { exact: "1" }, b: { prefix: "2" } }, queryParams: { q: { exact: "1" } } },
          { headers: { Cookie: { regex: "a" } } },
        ],
      },
    }),
    [source],
    [
      "mirror",
      "sessionAffinity",
      "match[0].queryParams",
      "match[0].headers",
      "match[0].headers.b",
      "match[0]",
      "match[1].headers.Cookie",
      "match",
    ].map((path) => `spec.analysis.${path}`),
  ],
])("nginx problems: %s", (_, context, live, paths) => {
  expect(nginx.problems(context, liveOf(...live)).map(({ path }) => path)).toEqual(paths);
});

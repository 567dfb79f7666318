import { expect, test } from "vitest";
import type { Canary, VirtualService } from "#api";
import { namesOf } from "#rollout";
import { canaryWith } from "../rehearsal-objects.ts";
import { planDestinationRule, planVirtualService, readWeights } from "./istio.ts";

const owner = { apiVersion: "flagger.app/v1beta1", kind: "Canary", name: "web", uid: "1", controller: true };
const start = { primaryWeight: 100, canaryWeight: 0 };

function planOf(service: Partial<NonNullable<Canary["spec"]["service"]>>) {
  const bare = canaryWith({ service: { port: 80, ...service } });
  const canary = { ...bare, metadata: { name: "web", namespace: "shop" } };
  return { canary, names: namesOf(canary), owner };
}

function specOf(service: Partial<NonNullable<Canary["spec"]["service"]>>): VirtualService["spec"] | undefined {
  return planVirtualService(planOf(service), start, undefined)?.spec;
}

test("planVirtualService: one route to both copies, all traffic on the primary", () => {
  expect(specOf({})).toEqual({
    hosts: ["web"],
    gateways: ["mesh"],
    http: [
      {
        route: [
          { destination: { host: "web-primary" }, weight: 100 },
          { destination: { host: "web-canary" }, weight: 0 },
        ],
      },
    ],
  });
});

test.each<[string, string[], string[]]>([
  ["hosts get the apex name", ["a.example.com"], ["a.example.com", "web"]],
  ["unless it is there", ["web", "a"], ["web", "a"]],
  ["or all hosts are meant", ["*"], ["*"]],
])("planVirtualService: %s", (_, hosts, expected) => {
  expect(specOf({ hosts })?.hosts).toEqual(expected);
});

test("planVirtualService: behind a gateway with port discovery the routes name their port", () => {
  const route = specOf({ portDiscovery: true, gateways: ["shop/gw", "mesh"] })?.http?.[0]?.route;
  expect(route?.map((to) => to.destination.port?.number)).toEqual([80, 80]);
  expect(specOf({ portDiscovery: true, gateways: ["mesh"] })?.http?.[0]?.route?.[0]?.destination.port).toBeUndefined();
  expect(specOf({ gateways: ["shop/gw"] })?.http?.[0]?.route?.[0]?.destination.port).toBeUndefined();
});

test("planVirtualService: a delegate has neither hosts nor gateways, and names the port", () => {
  const spec = specOf({ delegation: true, portDiscovery: true });
  expect(spec).not.toHaveProperty("hosts");
  expect(spec).not.toHaveProperty("gateways");
  expect(spec?.http?.[0]?.route?.[0]?.destination.port?.number).toBe(80);
});

test("planVirtualService: routing options are copied, the Gateway API's type is not", () => {
  const options = {
    timeout: "30s",
    retries: { attempts: 2 },
    headers: { request: { add: { a: "b" } } },
    match: [{ uri: { prefix: "/" } }],
    corsPolicy: { allowMethods: ["GET"] },
  };
  const rewrite = { uri: "/new", type: "ReplacePrefixMatch" };
  expect(specOf({ ...options, rewrite })?.http?.[0]).toMatchObject({ ...options, rewrite: { uri: "/new" } });
  expect(specOf({ rewrite })?.http?.[0]?.rewrite).toEqual({ uri: "/new" });
});

test("planVirtualService: nothing to do when the live one has all that is wanted, and more", () => {
  const plan = planOf({ apex: { labels: { team: "a" } } });
  const wanted = planVirtualService(plan, start, undefined);
  if (wanted === undefined) throw new Error("a first plan always writes");
  const live: VirtualService = {
    ...wanted,
    metadata: { ...wanted.metadata, labels: { team: "a", other: "1" } },
    spec: { ...wanted.spec, exportTo: ["."] },
  };
  expect(planVirtualService(plan, start, live)).toBeUndefined();
  expect(
    planVirtualService(plan, { primaryWeight: 90, canaryWeight: 10 }, live)?.spec.http?.[0]?.route?.[1]?.weight,
  ).toBe(10);
});

test("planVirtualService: one that was there before gets no owner", () => {
  const foreign: VirtualService = {
    apiVersion: "networking.istio.io/v1beta1",
    kind: "VirtualService",
    metadata: { name: "web" },
    spec: {},
  };
  expect(planVirtualService(planOf({}), start, foreign)?.metadata.ownerReferences).toBeUndefined();
});

test("planDestinationRule: the policy of the Canary for each copy", () => {
  const trafficPolicy = { tls: { mode: "ISTIO_MUTUAL" } };
  const rule = planDestinationRule(planOf({ trafficPolicy }), "web-canary", undefined);
  expect(rule?.spec).toEqual({ host: "web-canary", trafficPolicy });
  expect(planDestinationRule(planOf({ trafficPolicy }), "web-canary", rule)).toBeUndefined();
});

test("readWeights: of the last route to both copies; undefined when they do not sum to 100", () => {
  const { names } = planOf({});
  const live = (weight: number, other: number): VirtualService => ({
    apiVersion: "networking.istio.io/v1beta1",
    kind: "VirtualService",
    metadata: { name: "web" },
    spec: {
      http: [
        { route: [{ destination: { host: "else" } }] },
        {
          route: [
            { destination: { host: "web-primary" }, weight },
            { destination: { host: "web-canary" }, weight: other },
          ],
        },
      ],
    },
  });
  expect(readWeights(live(70, 30), names)).toEqual({ primaryWeight: 70, canaryWeight: 30, isMirrored: false });
  expect(readWeights(live(0, 0), names)).toBeUndefined();
  expect(readWeights(undefined, names)).toBeUndefined();
});

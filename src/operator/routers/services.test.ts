import { expect, test } from "vitest";
import type { Canary, ServicePort } from "#api";
import { canaryWith, deployment } from "../rehearsal-objects.ts";
import { newService, repairedService, restoredService, type ServicePlan, servicePorts } from "./services.ts";

const KUBECTL = "kubectl.kubernetes.io/last-applied-configuration";
const owner = { apiVersion: "flagger.app/v1beta1", kind: "Canary", name: "web", uid: "1", controller: true };
const target = {
  ...deployment,
  spec: {
    ...deployment.spec,
    template: {
      ...deployment.spec.template,
      spec: {
        containers: [
          { name: "istio-proxy", ports: [{ name: "proxy", containerPort: 15001 }] },
          {
            name: "web",
            ports: [
              { name: "http", containerPort: 9898 },
              { name: "http-metrics", containerPort: 8080 },
              { containerPort: 8888, protocol: "UDP" as const },
            ],
          },
        ],
      },
    },
  },
};

const withService = (service: Partial<NonNullable<Canary["spec"]["service"]>>): Canary =>
  canaryWith({ service: { port: 9898, ...service } });

function planOf(canary: Canary): ServicePlan {
  return { canary, target, name: "web-canary", role: "canary", labelKey: "app", podLabel: "web", owner };
}

test.each<[string, object, ServicePort[]]>([
  ["the port alone", {}, [{ name: "http", protocol: "TCP", port: 9898, targetPort: 9898 }]],
  [
    "port name, target and protocol",
    { port: 80, targetPort: "http", portName: "grpc", appProtocol: "h2c" },
    [{ name: "grpc", protocol: "TCP", port: 80, targetPort: "http", appProtocol: "h2c" }],
  ],
])("servicePorts: %s", (_, service, ports) => {
  expect(servicePorts(withService(service), target)).toEqual(ports);
});

test.each([
  ["that is the same", { port: 9898 }],
  ["by number", { port: 80, targetPort: 9898 }],
  ["by name", { port: 80, targetPort: "http" }],
])("servicePorts: discovery leaves out the main port %s and sidecars, and keeps UDP (pinned 13)", (_, service) => {
  const [, ...found] = servicePorts(withService({ ...service, portDiscovery: true }), target);
  expect(found).toEqual([
    { name: "http-metrics", protocol: "TCP", port: 8080, targetPort: 8080 },
    { name: "tcp-web-2", protocol: "UDP", port: 8888, targetPort: 8888 },
  ]);
});

test("servicePorts: a port or a name that is taken is not discovered again", () => {
  const container = (name: string, ports: readonly { name?: string; containerPort: number }[]) => ({ name, ports });
  const containers = [
    container("web", [
      { name: "http", containerPort: 80 },
      { name: "metrics", containerPort: 8080 },
    ]),
    container("side", [{ name: "metrics", containerPort: 8081 }, { containerPort: 8080 }]),
  ];
  const service = withService({ port: 80, targetPort: 9898, portDiscovery: true });
  const [, ...found] = servicePorts(service, { spec: { template: { spec: { containers } } } });
  expect(found.map(({ name, port }) => [name, port])).toEqual([
    ["metrics", 8080],
    ["tcp-side-0", 8081],
  ]);
});

test("newService: an un-customised Service has its label and the two annotations (pinned 47)", () => {
  const service = newService(planOf(withService({})));
  expect(service.metadata.labels).toEqual({ app: "web-canary" });
  expect(Object.keys(service.metadata.annotations ?? {})).toHaveLength(2);
  expect(service.spec.selector).toEqual({ app: "web" });
});

test("newService: headless and customised (pinned 47)", () => {
  const service = newService(planOf(withService({ headless: true, canary: { labels: { team: "a" } } })));
  expect(service.spec.clusterIP).toBe("None");
  expect(service.metadata.labels).toEqual({ app: "web-canary", team: "a" });
});

test("repairedService: nothing to do when selector and ports are right, in whatever order", () => {
  const plan = planOf(withService({ portDiscovery: true }));
  const live = newService(plan);
  expect(repairedService(live, plan)).toBeUndefined();
  expect(
    repairedService({ ...live, spec: { ...live.spec, ports: live.spec.ports?.toReversed() ?? [] } }, plan),
  ).toBeUndefined();
});

test("repairedService: a Service of others gets selector, ports and the two annotations, and keeps the rest (pinned 55)", () => {
  const plan = planOf(withService({}));
  const foreign = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web-canary", labels: { theirs: "1" } },
    spec: {
      type: "NodePort" as const,
      selector: { app: "web", version: "v1" },
      clusterIP: "10.0.0.1",
      ports: [{ name: "http", port: 1, nodePort: 30001 }],
    },
  };
  const repaired = repairedService(foreign, plan);
  expect(repaired?.metadata.labels).toEqual({ theirs: "1" });
  expect(repaired?.metadata.ownerReferences).toBeUndefined();
  expect(repaired?.metadata.annotations).toEqual(newService(plan).metadata.annotations);
  expect(repaired?.spec).toEqual({
    type: "NodePort",
    selector: { app: "web" },
    clusterIP: "10.0.0.1",
    ports: [{ name: "http", protocol: "TCP", port: 9898, targetPort: 9898, nodePort: 30001 }],
  });
});

test("repairedService: foreign labels of an own Service stay, unmanaged keys are left alone (pinned 47)", () => {
  const plan = planOf(withService({ canary: { labels: { team: "a" } }, unmanagedMetadata: { labels: ["team"] } }));
  const own = newService(plan);
  const live = { ...own, metadata: { ...own.metadata, labels: { app: "web-canary", team: "theirs", more: "1" } } };
  expect(repairedService(live, plan)).toBeUndefined();
});

test("repairedService: ports, port name and protocol follow the Canary, and an edit by hand is undone (pinned 47)", () => {
  const live = newService(planOf(withService({})));
  const renamed = planOf(withService({ portName: "grpc", appProtocol: "kubernetes.io/h2c" }));
  expect(repairedService(live, renamed)?.spec.ports).toEqual([
    { name: "grpc", protocol: "TCP", port: 9898, targetPort: 9898, appProtocol: "kubernetes.io/h2c" },
  ]);
  const edited = { ...live, spec: { ...live.spec, ports: [{ name: "http", port: 1 }] } };
  expect(repairedService(edited, planOf(withService({})))?.spec.ports).toEqual(live.spec.ports);
});

test("repairedService: the traffic distribution follows the Canary after creation too (pinned 47)", () => {
  const near = planOf(withService({ trafficDistribution: "PreferClose" }));
  const live = newService(near);
  expect(live.spec.trafficDistribution).toBe("PreferClose");
  expect(repairedService(live, near)).toBeUndefined();
  const node = planOf(withService({ trafficDistribution: "PreferSameNode" }));
  expect(repairedService(live, node)?.spec.trafficDistribution).toBe("PreferSameNode");
  expect(repairedService(live, planOf(withService({})))?.spec).not.toHaveProperty("trafficDistribution");
  const { ownerReferences: _, ...metadata } = live.metadata;
  expect(repairedService({ ...live, metadata }, planOf(withService({})))).toBeUndefined();
});

test("repairedService: whether it is headless stays as it was made", () => {
  const live = newService(planOf(withService({ headless: true })));
  expect(repairedService(live, planOf(withService({})))).toBeUndefined();
});

test.each<[string, object, Readonly<Record<string, string>> | undefined]>([
  [
    "kubectl's selector",
    { annotations: { [KUBECTL]: '{"spec":{"selector":{"app":"web","tier":"front"}}}' } },
    { app: "web", tier: "front" },
  ],
  ["the target without one", { annotations: { [KUBECTL]: "{" } }, { app: "web" }],
  ["nothing when it goes with the Canary", { ownerReferences: [owner] }, undefined],
])("restoredService: %s (pinned 47)", (_, metadata, selector) => {
  const live = { ...newService(planOf(withService({}))), metadata: { name: "web", ...metadata } };
  const restored = restoredService(live, { owner, labelKey: "app", targetLabel: "web" });
  expect(restored?.spec.selector).toEqual(selector);
});

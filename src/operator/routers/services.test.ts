import { expect, test } from "vitest";
import type { Canary, ServicePort } from "#api";
import { canaryWith, deployment } from "../rehearsal-objects.ts";
import { newService, repairedService, type ServicePlan, servicePorts } from "./services.ts";

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
  ["by number", { port: 80, targetPort: 9898 }],
  ["by name", { port: 80, targetPort: "http" }],
])("servicePorts: discovery leaves out the main port %s and sidecars, and keeps UDP", (_, service) => {
  const [, ...found] = servicePorts(withService({ ...service, portDiscovery: true }), target);
  expect(found).toEqual([
    { name: "http-metrics", protocol: "TCP", port: 8080, targetPort: 8080 },
    { name: "tcp-web-2", protocol: "UDP", port: 8888, targetPort: 8888 },
  ]);
});

test("newService: an un-customised Service has its label and the two annotations", () => {
  const service = newService(planOf(withService({})));
  expect(service.metadata.labels).toEqual({ app: "web-canary" });
  expect(Object.keys(service.metadata.annotations ?? {})).toHaveLength(2);
  expect(service.spec.selector).toEqual({ app: "web" });
});

test("newService: headless and customised", () => {
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

test("repairedService: a Service of others gets selector and ports and keeps the rest", () => {
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
  expect(repaired?.spec).toEqual({
    type: "NodePort",
    selector: { app: "web" },
    clusterIP: "10.0.0.1",
    ports: [{ name: "http", protocol: "TCP", port: 9898, targetPort: 9898, nodePort: 30001 }],
  });
});

test("repairedService: foreign labels of an own Service stay, unmanaged keys are left alone", () => {
  const plan = planOf(withService({ canary: { labels: { team: "a" } }, unmanagedMetadata: { labels: ["team"] } }));
  const own = newService(plan);
  const live = { ...own, metadata: { ...own.metadata, labels: { app: "web-canary", team: "theirs", more: "1" } } };
  expect(repairedService(live, plan)).toBeUndefined();
});

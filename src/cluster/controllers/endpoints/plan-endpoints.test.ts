import { expect, test } from "vitest";
import type { EndpointSlice, Pod, Service } from "#api";
import type { Write } from "../shared/index.ts";
import { isSelecting, planEndpointSlices, serviceOfSlice } from "./plan-endpoint-slices.ts";
import { type Endpoints, planEndpoints } from "./plan-endpoints.ts";

const NOW = Date.parse("2026-01-01T00:00:00Z");

function service(spec: Partial<Service["spec"]> = {}): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace: "shop", uid: "svc", labels: { app: "web" } },
    spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: 8080 }], ...spec },
  };
}

function pod(
  name: string,
  options: { ip?: string; ready?: boolean; leaving?: boolean; phase?: "Succeeded"; port?: number } = {},
): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace: "shop",
      uid: `uid-${name}`,
      ...(options.leaving ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {}),
    },
    spec: {
      nodeName: "node",
      containers: [{ name: "c", ports: [{ name: "http", containerPort: options.port ?? 9898 }] }],
    },
    status: {
      phase: options.phase ?? "Running",
      podIP: options.ip ?? `10.0.0.${name.length}`,
      conditions: [{ type: "Ready", status: options.ready === false ? "False" : "True" }],
    },
  };
}

function plan(of: Service, pods: readonly Pod[], slices: readonly EndpointSlice[] = []): readonly Write[] {
  return planEndpointSlices({ service: of, pods, slices, nowMs: NOW });
}

/** The slices as they are after the writes. */
function applied(writes: readonly Write[]): EndpointSlice[] {
  return writes.flatMap((write, index) =>
    write.verb === "create" || write.verb === "update"
      ? [
          {
            ...write.object,
            metadata: { ...write.object.metadata, name: `slice-${index}`, uid: `slice-${index}` },
          } as EndpointSlice,
        ]
      : [],
  );
}

test("planEndpointSlices writes a slice as Kubernetes does, and nothing when it stands", () => {
  const writes = plan(service(), [pod("a")]);
  expect(applied(writes)).toMatchObject([
    {
      metadata: {
        generateName: "web-",
        labels: {
          app: "web",
          "kubernetes.io/service-name": "web",
          "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        },
        ownerReferences: [{ kind: "Service", name: "web", uid: "svc", controller: true, blockOwnerDeletion: true }],
      },
      addressType: "IPv4",
      endpoints: [
        {
          addresses: ["10.0.0.1"],
          conditions: { ready: true, serving: true, terminating: false },
          nodeName: "node",
          targetRef: { kind: "Pod", name: "a", namespace: "shop", uid: "uid-a" },
        },
      ],
      ports: [{ name: "", port: 8080, protocol: "TCP" }],
    },
  ]);
  expect(plan(service(), [pod("a")], applied(writes))).toEqual([]);
});

test.each([
  [{ ready: true }, false, { ready: true, serving: true, terminating: false }],
  [{ ready: false }, false, { ready: false, serving: false, terminating: false }],
  [{ ready: true, leaving: true }, false, { ready: false, serving: true, terminating: true }],
  [{ ready: false, leaving: true }, false, { ready: false, serving: false, terminating: true }],
  [{ ready: false }, true, { ready: true, serving: false, terminating: false }],
  [{ ready: false, leaving: true }, true, { ready: true, serving: false, terminating: true }],
])("planEndpointSlices: pod %j, published anyway %j", (state, publishNotReadyAddresses, conditions) => {
  const [slice] = applied(plan(service({ publishNotReadyAddresses }), [pod("a", state)]));
  expect(slice?.endpoints[0]?.conditions).toEqual(conditions);
});

test("planEndpointSlices leaves out pods without an address and pods that ended, and keeps one empty slice", () => {
  const [slice, ...more] = applied(plan(service(), [pod("a", { ip: "" }), pod("b", { phase: "Succeeded" })]));
  expect(slice).toMatchObject({ endpoints: [], ports: [] });
  expect(more).toEqual([]);
});

test("planEndpointSlices groups pods by what a named target port means in them", () => {
  const named = service({ ports: [{ name: "http", port: 80, targetPort: "http" }] });
  const slices = applied(plan(named, [pod("a"), pod("b", { port: 8081 }), pod("c")]));
  expect(slices.map((slice) => [slice.ports?.[0]?.port, slice.endpoints.length])).toEqual([
    [9898, 2],
    [8081, 1],
  ]);
  const unknown = service({ ports: [{ name: "http", port: 80, targetPort: "none" }] });
  expect(applied(plan(unknown, [pod("a")]))).toMatchObject([{ endpoints: [] }]);
});

test("planEndpointSlices splits after a hundred addresses and takes back what is too much", () => {
  const pods = Array.from({ length: 150 }, (_, index) =>
    pod(`p${String(index).padStart(3, "0")}`, { ip: `10.0.1.${index}` }),
  );
  const slices = applied(plan(service(), pods));
  expect(slices.map((slice) => slice.endpoints.length)).toEqual([100, 50]);
  const writes = plan(service(), pods.slice(0, 10), slices);
  expect(writes.map((write) => write.verb)).toEqual(["update", "delete"]);
});

test("isSelecting is false for services that others fill", () => {
  expect(isSelecting(service())).toBe(true);
  const { selector: _, ...without } = service().spec;
  expect(isSelecting({ ...service(), spec: without })).toBe(false);
  expect(isSelecting(service({ type: "ExternalName" }))).toBe(false);
});

test("serviceOfSlice ignores the slices of others", () => {
  const slice = applied(plan(service(), []))[0];
  expect(slice === undefined ? undefined : serviceOfSlice(slice)).toBe("web");
  expect(
    serviceOfSlice({ ...(slice as EndpointSlice), metadata: { labels: { "kubernetes.io/service-name": "web" } } }),
  ).toBeUndefined();
});

test("planEndpoints sorts addresses by readiness and leaves terminating ones out", () => {
  const pods = [pod("a"), pod("bb", { ready: false }), pod("ccc", { leaving: true })];
  const write = planEndpoints({ service: service(), pods, current: undefined, nowMs: NOW });
  const object = write?.verb === "create" ? (write.object as Endpoints) : undefined;
  expect(object?.subsets).toEqual([
    {
      addresses: [
        { ip: "10.0.0.1", nodeName: "node", targetRef: { kind: "Pod", namespace: "shop", name: "a", uid: "uid-a" } },
      ],
      notReadyAddresses: [
        { ip: "10.0.0.2", nodeName: "node", targetRef: { kind: "Pod", namespace: "shop", name: "bb", uid: "uid-bb" } },
      ],
      ports: [{ port: 8080, protocol: "TCP" }],
    },
  ]);
  expect(planEndpoints({ service: service(), pods, current: object, nowMs: NOW })).toBeUndefined();
  const emptied = planEndpoints({ service: service(), pods: [], current: object, nowMs: NOW });
  expect(emptied).toMatchObject({ verb: "update" });
  expect(emptied?.verb === "update" && "subsets" in emptied.object).toBe(false);
});

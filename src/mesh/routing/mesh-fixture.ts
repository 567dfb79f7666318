import type {
  DestinationRule,
  EndpointSlice,
  Gateway,
  Pod,
  Service,
  ServicePort,
  VirtualService,
  VirtualServiceSpec,
} from "#api";
import type { MeshObjects } from "./compile-mesh.ts";

/** Short ways to write the objects of a mesh in tests. */

interface Named {
  readonly name: string;
  readonly namespace?: string;
  /** Seconds after a fixed moment; decides which object is older. */
  readonly createdSecond?: number;
}

function metadata({ name, namespace = "shop", createdSecond = 0 }: Named): {
  name: string;
  namespace: string;
  creationTimestamp: string;
} {
  return { name, namespace, creationTimestamp: new Date(Date.UTC(2026, 0, 1, 0, 0, createdSecond)).toISOString() };
}

export function virtualService(named: Named, spec: VirtualServiceSpec): VirtualService {
  return { apiVersion: "networking.istio.io/v1", kind: "VirtualService", metadata: metadata(named), spec };
}

export function destinationRule(named: Named, spec: DestinationRule["spec"]): DestinationRule {
  return { apiVersion: "networking.istio.io/v1", kind: "DestinationRule", metadata: metadata(named), spec };
}

export function gateway(named: Named, hosts: readonly string[], port = 80): Gateway {
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "Gateway",
    metadata: metadata(named),
    spec: {
      selector: { istio: "ingressgateway" },
      servers: [{ port: { number: port, name: "http", protocol: "HTTP" }, hosts }],
    },
  };
}

export function service(named: Named, ports: readonly ServicePort[], clusterIP?: string): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: metadata(named),
    spec: { ports, selector: { app: named.name }, ...(clusterIP === undefined ? {} : { clusterIP }) },
  };
}

export interface PodSpecification extends Named {
  readonly address: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Name of the Deployment behind it. */
  readonly deployment?: string;
}

export function pod(spec: PodSpecification): Pod {
  const owner = spec.deployment === undefined ? [] : [ownerOf(spec.deployment)];
  const hash = spec.deployment === undefined ? {} : { "pod-template-hash": "5d9c" };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      ...metadata(spec),
      uid: `uid-${spec.name}`,
      labels: { ...spec.labels, ...hash },
      ownerReferences: owner,
    },
    spec: { containers: [] },
    status: { phase: "Running", podIP: spec.address },
  };
}

function ownerOf(deployment: string): {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller: true;
} {
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    name: `${deployment}-5d9c`,
    uid: `uid-${deployment}`,
    controller: true,
  };
}

/** A slice of a service over pods; `ports` maps the names of the service's ports to those of the pods. */
export function endpointSlice(
  named: Named,
  pods: readonly Pod[],
  ports: Readonly<Record<string, number>>,
): EndpointSlice {
  const { namespace } = metadata(named);
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { ...metadata(named), labels: { "kubernetes.io/service-name": named.name } },
    addressType: "IPv4",
    endpoints: pods.map((of) => ({
      addresses: [of.status?.podIP ?? ""],
      conditions: { ready: true, serving: true, terminating: false },
      targetRef: { kind: "Pod", name: of.metadata.name ?? "", namespace, uid: of.metadata.uid ?? "" },
    })),
    ports: Object.entries(ports).map(([name, port]) => ({ name, port, protocol: "TCP" })),
  };
}

/** Objects of a mesh, empty lists where nothing is given. */
export function meshObjects(objects: Partial<MeshObjects>): MeshObjects {
  return {
    virtualServices: [],
    destinationRules: [],
    gateways: [],
    services: [],
    endpointSlices: [],
    pods: [],
    ...objects,
  };
}

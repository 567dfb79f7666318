import type { KubeObject } from "#api";
import { isObject, type Problem } from "#base";
import type { StoredObject, Transaction } from "../../store/index.ts";
import { invalid, StatusError } from "../status/status-error.ts";
import { textAt } from "../read-field.ts";

/** The addresses that Services get. */
export interface ServiceNetwork {
  readonly addressCount: number;
  /** Address of a slot from 0 to `addressCount` - 1. Slot 0 belongs to the API server itself. */
  serviceAddress(index: number): string;
}

export interface ServiceAddresses {
  /** Fills in the cluster address and node ports of a Service; keeps those it has. */
  assign(transaction: Transaction, service: KubeObject, old: KubeObject | undefined): KubeObject;
}

type Fields = Readonly<Record<string, unknown>>;

/** Source: apiserver option `--service-node-port-range`. */
const NODE_PORT_FIRST = 30_000;
const NODE_PORT_COUNT = 2_768;
const SERVICES = "/services";
const WITH_NODE_PORTS = new Set(["NodePort", "LoadBalancer"]);

/** Addresses are found by looking at the Services that exist, so that none is ever lost or given twice. */
export function createServiceAddresses(network: ServiceNetwork): ServiceAddresses {
  return {
    assign: (transaction, service, old) => {
      const others = transaction.list(SERVICES).filter(({ object }) => object.metadata.uid !== service.metadata.uid);
      const spec = isObject(service.spec) ? service.spec : {};
      const oldSpec = isObject(old?.spec) ? old.spec : {};
      if (spec["type"] === "ExternalName") return { ...service, spec: withoutAddress(spec) };
      const address = addressFor({ network, others, service, spec, oldSpec });
      const family = address === "None" && spec["selector"] === undefined ? { ipFamilyPolicy: "RequireDualStack" } : {};
      const addressed: Fields = {
        ...spec,
        clusterIP: address,
        clusterIPs: [address],
        ipFamilies: spec["ipFamilies"] ?? ["IPv4"],
        ipFamilyPolicy: spec["ipFamilyPolicy"] ?? family.ipFamilyPolicy ?? "SingleStack",
      };
      return { ...service, spec: { ...addressed, ...portsFor(addressed, others, oldSpec) } };
    },
  };
}

function withoutAddress(spec: Fields): Fields {
  const { clusterIP: _clusterIP, clusterIPs: _clusterIPs, ...rest } = spec;
  return rest;
}

interface AddressInput {
  readonly network: ServiceNetwork;
  readonly others: readonly StoredObject[];
  readonly service: KubeObject;
  readonly spec: Fields;
  readonly oldSpec: Fields;
}

function addressFor({ network, others, service, spec, oldSpec }: AddressInput): string {
  const asked = spec["clusterIP"] ?? (Array.isArray(spec["clusterIPs"]) ? spec["clusterIPs"][0] : undefined);
  const had = oldSpec["clusterIP"];
  if (typeof asked === "string" && asked !== "") {
    if (asked !== "None" && asked !== had && isTaken(others, asked)) throw alreadyAllocated(service, asked);
    return asked;
  }
  if (typeof had === "string" && had !== "") return had;
  return freeAddress(network, others);
}

function isTaken(others: readonly StoredObject[], address: string): boolean {
  return others.some(({ object }) => isObject(object.spec) && object.spec["clusterIP"] === address);
}

function alreadyAllocated(service: KubeObject, address: string): StatusError {
  const shown = `[]string{${JSON.stringify(address)}}`;
  const problem: Problem = {
    path: "spec.clusterIPs",
    code: "FieldValueInvalid",
    message: `Invalid value: ${shown}: failed to allocate IP ${address}: provided IP is already allocated`,
  };
  return invalid({ group: "", kind: "Service", name: service.metadata.name ?? "" }, [problem]);
}

function freeAddress(network: ServiceNetwork, others: readonly StoredObject[]): string {
  const taken = new Set(others.map(({ object }) => (isObject(object.spec) ? object.spec["clusterIP"] : undefined)));
  for (let index = 1; index < network.addressCount; index++) {
    const address = network.serviceAddress(index);
    if (!taken.has(address)) return address;
  }
  throw new StatusError({
    code: 500,
    reason: "InternalError",
    message: "failed to allocate a serviceIP: range is full",
  });
}

function portsFor(spec: Fields, others: readonly StoredObject[], oldSpec: Fields): Fields {
  if (!WITH_NODE_PORTS.has(textAt(spec, "type")) || spec["allocateLoadBalancerNodePorts"] === false) return {};
  const taken = new Set(others.flatMap(({ object }) => portsOf(object.spec).map((port) => port["nodePort"])));
  const oldPorts = portsOf(oldSpec);
  const ports = portsOf(spec).map((port) => {
    const nodePort = port["nodePort"] ?? oldPorts.find((old) => isSamePort(old, port))?.["nodePort"] ?? freePort(taken);
    taken.add(nodePort);
    return { ...port, nodePort };
  });
  return { ports };
}

function portsOf(spec: unknown): readonly Fields[] {
  return isObject(spec) && Array.isArray(spec["ports"]) ? spec["ports"].filter(isObject) : [];
}

function isSamePort(a: Fields, b: Fields): boolean {
  return a["port"] === b["port"] && (a["protocol"] ?? "TCP") === (b["protocol"] ?? "TCP");
}

function freePort(taken: ReadonlySet<unknown>): number {
  for (let port = NODE_PORT_FIRST; port < NODE_PORT_FIRST + NODE_PORT_COUNT; port++) if (!taken.has(port)) return port;
  throw new StatusError({
    code: 500,
    reason: "InternalError",
    message: "failed to allocate a nodePort: range is full",
  });
}

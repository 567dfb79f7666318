import type { KubeObject } from "#api";
import {
  ageColumn,
  ageOf,
  at,
  formatLabels,
  joinUpTo,
  listAt,
  mapAt,
  NONE,
  nameColumn,
  nameOf,
  numberAt,
  type Printer,
  text,
  textAt,
  UNKNOWN,
  UNSET,
  wide,
} from "../printer.ts";
import { selectorCell } from "./workloads.ts";

/** Services, what stands behind them, and what leads to them. Source: kubernetes `printers/internalversion`. */

const LISTED_MAX = 3;

export const servicePrinter: Printer = {
  columns: [
    nameColumn,
    text("Type", "How the service is reached."),
    text("Cluster-IP", "Address inside the cluster."),
    text("External-IP", "Addresses from outside."),
    text("Port(s)", "Ports of the service."),
    ageColumn,
    wide(text("Selector", "Labels of the pods behind the service.")),
  ],
  cells: (service, nowMs) => [
    nameOf(service),
    textAt(service, "spec", "type"),
    textAt({ first: listAt(service, "spec", "clusterIPs")[0] }, "first") ||
      textAt(service, "spec", "clusterIP") ||
      NONE,
    externalAddress(service),
    servicePorts(service),
    ageOf(service, nowMs),
    formatLabels(mapAt(service, "spec", "selector")),
  ],
};

function externalAddress(service: KubeObject): string {
  const fixed = listAt(service, "spec", "externalIPs").map(String);
  switch (textAt(service, "spec", "type")) {
    case "ClusterIP":
    case "NodePort":
      return fixed.join(",") || NONE;
    case "LoadBalancer":
      return [...fixed, ...balancerAddresses(service)].join(",") || "<pending>";
    case "ExternalName":
      return textAt(service, "spec", "externalName");
    default:
      return UNKNOWN;
  }
}

function balancerAddresses(object: KubeObject): readonly string[] {
  const ingress = listAt(object, "status", "loadBalancer", "ingress");
  const addresses = ingress.map((entry) => textAt(entry, "ip") || textAt(entry, "hostname")).filter((a) => a !== "");
  return [...new Set(addresses)].sort();
}

function servicePorts(service: KubeObject): string {
  const ports = listAt(service, "spec", "ports").map((port) => {
    const nodePort = numberAt(port, "nodePort");
    const published = nodePort > 0 ? `:${nodePort}` : "";
    return `${numberAt(port, "port")}${published}/${textAt(port, "protocol")}`;
  });
  return ports.join(",") || NONE;
}

export const endpointsPrinter: Printer = {
  columns: [nameColumn, text("Endpoints", "Addresses and ports that take traffic."), ageColumn],
  cells: (endpoints, nowMs) => {
    const addresses = listAt(endpoints, "subsets").flatMap(subsetAddresses);
    return [nameOf(endpoints), joinUpTo(addresses, LISTED_MAX) || NONE, ageOf(endpoints, nowMs)];
  },
};

function subsetAddresses(subset: unknown): readonly string[] {
  const ips = listAt(subset, "addresses").map((address) => textAt(address, "ip"));
  const ports = listAt(subset, "ports");
  if (ports.length === 0) return ips;
  return ports.flatMap((port) => ips.map((ip) => `${ip}:${numberAt(port, "port")}`));
}

export const endpointSlicePrinter: Printer = {
  columns: [
    nameColumn,
    text("AddressType", "Kind of the addresses."),
    text("Ports", "Ports of the endpoints."),
    text("Endpoints", "Addresses of the endpoints."),
    ageColumn,
  ],
  cells: (slice, nowMs) => {
    const ports = listAt(slice, "ports").map((port) => textAt(port, "port") || textAt(port, "name") || "*");
    const addresses = listAt(slice, "endpoints").flatMap((endpoint) => listAt(endpoint, "addresses").map(String));
    return [
      nameOf(slice),
      textAt(slice, "addressType"),
      joinUpTo(ports, LISTED_MAX) || UNSET,
      joinUpTo(addresses, LISTED_MAX) || UNSET,
      ageOf(slice, nowMs),
    ];
  },
};

export const ingressPrinter: Printer = {
  columns: [
    nameColumn,
    text("Class", "Ingress class that serves it."),
    text("Hosts", "Host names it matches."),
    text("Address", "Addresses it is reached at."),
    text("Ports", "Ports it listens on."),
    ageColumn,
  ],
  cells: (ingress, nowMs) => {
    const hosts = listAt(ingress, "spec", "rules")
      .map((rule) => textAt(rule, "host"))
      .filter((host) => host !== "");
    return [
      nameOf(ingress),
      textAt(ingress, "spec", "ingressClassName") || NONE,
      joinUpTo(hosts, LISTED_MAX) || "*",
      balancerAddresses(ingress).join(","),
      listAt(ingress, "spec", "tls").length > 0 ? "80, 443" : "80",
      ageOf(ingress, nowMs),
    ];
  },
};

export const ingressClassPrinter: Printer = {
  columns: [
    nameColumn,
    text("Controller", "Controller that serves the class."),
    text("Parameters", "Object with further settings."),
    ageColumn,
  ],
  cells: (ingressClass, nowMs) => {
    const parameters = at(ingressClass, "spec", "parameters");
    const group = textAt(parameters, "apiGroup");
    const kind = group === "" ? textAt(parameters, "kind") : `${textAt(parameters, "kind")}.${group}`;
    return [
      nameOf(ingressClass),
      textAt(ingressClass, "spec", "controller"),
      parameters === undefined ? NONE : `${kind}/${textAt(parameters, "name")}`,
      ageOf(ingressClass, nowMs),
    ];
  },
};

export const networkPolicyPrinter: Printer = {
  columns: [nameColumn, text("Pod-Selector", "Pods that the policy is for."), ageColumn],
  cells: (policy, nowMs) => [nameOf(policy), selectorCell(at(policy, "spec", "podSelector")), ageOf(policy, nowMs)],
};

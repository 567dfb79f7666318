import type { PrinterColumn } from "../kind.ts";
import type { KubeObject } from "../meta.ts";
import { buildCrd, type CrdBlueprint } from "./build-crd.ts";
import { GROUP } from "./gateway-fields.ts";
import { httpRouteSpec, httpRouteStatus } from "./gateway-http-route.ts";
import {
  gatewayClassSpec,
  gatewayClassStatus,
  gatewaySpec,
  gatewayStatus,
  referenceGrantSpec,
} from "./gateway-listeners.ts";

const family = {
  group: GROUP,
  versions: ["v1", "v1beta1"],
  categories: ["gateway-api"],
  isSpecRequired: true,
  // A group below k8s.io needs the link to its approval. Source: KEP-1111.
  annotations: {
    "api-approved.kubernetes.io": "https://github.com/kubernetes-sigs/gateway-api/pull/4530",
    "gateway.networking.k8s.io/bundle-version": "v1.6.0",
  },
} as const satisfies Partial<CrdBlueprint>;

function column(name: string, jsonPath: string, more: Partial<PrinterColumn> = {}): PrinterColumn {
  return { name, type: "string", description: name, jsonPath, ...more };
}

const age = column("Age", ".metadata.creationTimestamp", { type: "date", description: "When the object was created." });
const conditionColumn = (type: string): PrinterColumn =>
  column(type, `.status.conditions[?(@.type=="${type}")].status`);

const blueprints: readonly CrdBlueprint[] = [
  {
    ...family,
    kind: "HTTPRoute",
    description: "Routes of requests that come in by a Gateway.",
    columns: [column("Hostnames", ".spec.hostnames"), age],
    spec: httpRouteSpec,
    status: httpRouteStatus,
  },
  {
    ...family,
    kind: "Gateway",
    shortNames: ["gtw"],
    description: "A place where traffic comes in: addresses, ports and hosts.",
    columns: [
      column("Class", ".spec.gatewayClassName"),
      column("Address", ".status.addresses[*].value"),
      conditionColumn("Programmed"),
      age,
    ],
    spec: gatewaySpec,
    status: gatewayStatus,
  },
  {
    ...family,
    kind: "GatewayClass",
    plural: "gatewayclasses",
    shortNames: ["gc"],
    isClusterScoped: true,
    description: "Which controller executes the Gateways of the class.",
    columns: [
      column("Controller", ".spec.controllerName"),
      conditionColumn("Accepted"),
      age,
      column("Description", ".spec.description", { priority: 1 }),
    ],
    spec: gatewayClassSpec,
    status: gatewayClassStatus,
  },
  {
    ...family,
    versions: ["v1beta1", "v1"],
    kind: "ReferenceGrant",
    shortNames: ["refgrant"],
    description: "Lets objects of other namespaces name objects of this one.",
    columns: [age],
    spec: referenceGrantSpec,
  },
];

/** The CustomResourceDefinitions of the Gateway API that releases need. */
export function gatewayCrds(): readonly KubeObject[] {
  return blueprints.map(buildCrd);
}

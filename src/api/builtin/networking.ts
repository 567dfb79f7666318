import type { KindDefinition } from "../kind.ts";
import type { KubeObject } from "../meta.ts";
import {
  anyObject,
  atomic,
  between,
  bool,
  int32,
  intOrString,
  listOf,
  mapOf,
  microTime,
  oneOf,
  struct,
  text,
  withDefault,
} from "../schema/build.ts";
import { labelSelector } from "../schema/meta-schema.ts";
import { type BuiltinGroup, builtinKind } from "./builtin-kind.ts";
import { updateAt } from "./complete-pod.ts";
import { withInitialStatus } from "./core.ts";
import { asStructs, type Fields } from "./struct-fields.ts";
import { objectReference, typedLocalObjectReference } from "./volume-schema.ts";

/** Kinds of networking, discovery and coordination. Source: Kubernetes types and defaults of these groups. */

const networkingGroup: BuiltinGroup = {
  group: "networking.k8s.io",
  version: "v1",
  definitions: "io.k8s.api.networking.v1",
};
const networking = (name: string): string => `${networkingGroup.definitions}.${name}`;

const ingressBackend = struct(networking("IngressBackend"), {
  service: struct(
    networking("IngressServiceBackend"),
    { name: text, port: atomic(struct(networking("ServiceBackendPort"), { name: text, number: int32 })) },
    ["name"],
  ),
  resource: typedLocalObjectReference,
});

const httpIngressPath = struct(
  networking("HTTPIngressPath"),
  { path: text, pathType: oneOf("Exact", "ImplementationSpecific", "Prefix"), backend: ingressBackend },
  ["pathType", "backend"],
);

const ingressKind = {
  kind: "Ingress",
  plural: "ingresses",
  shortNames: ["ing"],
  fields: {
    spec: struct(networking("IngressSpec"), {
      ingressClassName: text,
      defaultBackend: ingressBackend,
      tls: listOf(struct(networking("IngressTLS"), { hosts: listOf(text), secretName: text })),
      rules: listOf(
        struct(networking("IngressRule"), {
          host: text,
          http: struct(networking("HTTPIngressRuleValue"), { paths: listOf(httpIngressPath) }, ["paths"]),
        }),
      ),
    }),
    status: struct(networking("IngressStatus"), {
      loadBalancer: struct(networking("IngressLoadBalancerStatus"), { ingress: listOf(anyObject) }),
    }),
  },
  complete: withInitialStatus({ loadBalancer: {} }),
};

const ingressClassKind = {
  kind: "IngressClass",
  plural: "ingressclasses",
  isClusterScoped: true,
  fields: {
    spec: struct(networking("IngressClassSpec"), {
      controller: text,
      parameters: struct(
        networking("IngressClassParametersReference"),
        { apiGroup: text, kind: text, name: text, scope: withDefault("Cluster", text), namespace: text },
        ["kind", "name"],
      ),
    }),
  },
};

const policyPeers = listOf(
  struct(networking("NetworkPolicyPeer"), {
    podSelector: labelSelector,
    namespaceSelector: labelSelector,
    ipBlock: struct(networking("IPBlock"), { cidr: text, except: listOf(text) }, ["cidr"]),
  }),
);
const policyPorts = listOf(
  struct(networking("NetworkPolicyPort"), {
    protocol: withDefault("TCP", oneOf("TCP", "UDP", "SCTP")),
    port: intOrString,
    endPort: int32,
  }),
);

const networkPolicyKind = {
  kind: "NetworkPolicy",
  plural: "networkpolicies",
  shortNames: ["netpol"],
  fields: {
    spec: struct(networking("NetworkPolicySpec"), {
      podSelector: labelSelector,
      ingress: listOf(struct(networking("NetworkPolicyIngressRule"), { ports: policyPorts, from: policyPeers })),
      egress: listOf(struct(networking("NetworkPolicyEgressRule"), { ports: policyPorts, to: policyPeers })),
      policyTypes: listOf(oneOf("Ingress", "Egress")),
    }),
  },
  complete: (object: KubeObject): KubeObject => updateAt(object, ["spec"], completePolicyTypes),
};

/** Source: `SetDefaults_NetworkPolicy`. */
function completePolicyTypes(spec: Fields): Fields {
  if (Array.isArray(spec.policyTypes) && spec.policyTypes.length > 0) return spec;
  const hasEgress = Array.isArray(spec.egress) && spec.egress.length > 0;
  return { ...spec, policyTypes: hasEgress ? ["Ingress", "Egress"] : ["Ingress"] };
}

const discoveryGroup: BuiltinGroup = {
  group: "discovery.k8s.io",
  version: "v1",
  definitions: "io.k8s.api.discovery.v1",
};
const discovery = (name: string): string => `${discoveryGroup.definitions}.${name}`;

const endpoint = struct(
  discovery("Endpoint"),
  {
    addresses: { ...listOf(text), "x-kubernetes-list-type": "set" as const },
    conditions: withDefault(
      {},
      struct(discovery("EndpointConditions"), { ready: bool, serving: bool, terminating: bool }),
    ),
    hostname: text,
    targetRef: objectReference,
    deprecatedTopology: mapOf(text),
    nodeName: text,
    zone: text,
    hints: struct(discovery("EndpointHints"), {
      forZones: listOf(struct(discovery("ForZone"), { name: text })),
      forNodes: listOf(struct(discovery("ForNode"), { name: text })),
    }),
  },
  ["addresses"],
);

const endpointSliceKind = {
  kind: "EndpointSlice",
  fields: {
    addressType: oneOf("FQDN", "IPv4", "IPv6"),
    endpoints: listOf(endpoint),
    ports: listOf(
      struct(discovery("EndpointPort"), {
        name: withDefault("", text),
        protocol: withDefault("TCP", oneOf("TCP", "UDP", "SCTP")),
        port: int32,
        appProtocol: text,
      }),
    ),
  },
  required: ["addressType"],
  complete: (slice: KubeObject): KubeObject =>
    slice.endpoints === undefined ? { ...slice, endpoints: asStructs(slice.endpoints) } : slice,
};

const coordinationGroup: BuiltinGroup = {
  group: "coordination.k8s.io",
  version: "v1",
  definitions: "io.k8s.api.coordination.v1",
};

const leaseKind = {
  kind: "Lease",
  fields: {
    spec: struct("io.k8s.api.coordination.v1.LeaseSpec", {
      holderIdentity: text,
      leaseDurationSeconds: between(1, undefined, int32),
      acquireTime: microTime,
      renewTime: microTime,
      leaseTransitions: between(0, undefined, int32),
      strategy: text,
      preferredHolder: text,
    }),
  },
};

const eventsGroup: BuiltinGroup = { group: "events.k8s.io", version: "v1", definitions: "io.k8s.api.events.v1" };

const eventKind = {
  kind: "Event",
  shortNames: ["ev"],
  fields: {
    eventTime: { ...microTime, nullable: true },
    series: struct("io.k8s.api.events.v1.EventSeries", { count: int32, lastObservedTime: microTime }),
    reportingController: text,
    reportingInstance: text,
    action: text,
    reason: text,
    regarding: objectReference,
    related: objectReference,
    note: text,
    type: text,
    deprecatedSource: anyObject,
    deprecatedFirstTimestamp: { ...microTime, nullable: true },
    deprecatedLastTimestamp: { ...microTime, nullable: true },
    deprecatedCount: int32,
  },
};

/** Kinds of `networking.k8s.io`, `discovery.k8s.io`, `coordination.k8s.io` and `events.k8s.io`. */
export const networkingKinds: readonly KindDefinition[] = [
  ...[ingressClassKind, ingressKind, networkPolicyKind].map((kind) => builtinKind(networkingGroup, kind)),
  builtinKind(discoveryGroup, endpointSliceKind),
  builtinKind(coordinationGroup, leaseKind),
  builtinKind(eventsGroup, eventKind),
];

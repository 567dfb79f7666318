import type { KindDefinition } from "../kind.ts";
import type { KubeObject } from "../meta.ts";
import {
  anyObject,
  atomic,
  between,
  bool,
  described,
  int32,
  intOrString,
  listOf,
  mapListOf,
  mapOf,
  mergedBy,
  oneOf,
  struct,
  text,
  withDefault,
} from "../schema/build.ts";
import { condition } from "../schema/meta-schema.ts";
import { builtinKind } from "./builtin-kind.ts";
import { updateAt } from "./complete-pod.ts";
import { coreGroup, withInitialStatus } from "./core.ts";
import { asStructs, type Fields } from "./struct-fields.ts";
import { core, objectReference } from "./volume-schema.ts";

/** Service and Endpoints. Source: Kubernetes `core/v1`. */

const protocol = withDefault("TCP", oneOf("TCP", "UDP", "SCTP"));

const servicePort = struct(
  core("ServicePort"),
  {
    name: text,
    protocol,
    appProtocol: text,
    port: between(1, 65_535, int32),
    targetPort: described("Number or name of the port of the pods; absent means the same as `port`.", intOrString),
    nodePort: int32,
  },
  ["port"],
);

const serviceSpec = struct(core("ServiceSpec"), {
  ports: mergedBy("port", mapListOf(["port", "protocol"], servicePort)),
  selector: atomic(mapOf(text)),
  clusterIP: text,
  clusterIPs: listOf(text),
  type: withDefault("ClusterIP", oneOf("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")),
  externalIPs: listOf(text),
  sessionAffinity: withDefault("None", oneOf("ClientIP", "None")),
  loadBalancerIP: text,
  loadBalancerSourceRanges: listOf(text),
  externalName: text,
  externalTrafficPolicy: oneOf("Cluster", "Local"),
  healthCheckNodePort: int32,
  publishNotReadyAddresses: bool,
  sessionAffinityConfig: struct(core("SessionAffinityConfig"), {
    clientIP: struct(core("ClientIPConfig"), { timeoutSeconds: int32 }),
  }),
  ipFamilies: listOf(oneOf("IPv4", "IPv6")),
  ipFamilyPolicy: oneOf("SingleStack", "PreferDualStack", "RequireDualStack"),
  allocateLoadBalancerNodePorts: bool,
  loadBalancerClass: text,
  internalTrafficPolicy: oneOf("Cluster", "Local"),
  trafficDistribution: text,
});

const serviceStatus = struct(core("ServiceStatus"), {
  loadBalancer: struct(core("LoadBalancerStatus"), { ingress: listOf(anyObject) }),
  conditions: mergedBy("type", mapListOf(["type"], condition)),
});

function completeService(service: KubeObject): KubeObject {
  const withStatus = withInitialStatus({ loadBalancer: {} })(service, undefined);
  return updateAt(withStatus, ["spec"], completeSpec);
}

/** Source: `SetDefaults_Service`. Addresses and node ports are the API server's to give. */
function completeSpec(spec: Fields): Fields {
  const result: Record<string, unknown> = { ...spec };
  if (spec.sessionAffinity === "ClientIP" && spec.sessionAffinityConfig === undefined) {
    result.sessionAffinityConfig = { clientIP: { timeoutSeconds: 10_800 } };
  }
  const isExternal = spec.type === "NodePort" || spec.type === "LoadBalancer";
  if (spec.type !== "ExternalName") result.internalTrafficPolicy ??= "Cluster";
  if (isExternal) result.externalTrafficPolicy ??= "Cluster";
  if (spec.type === "LoadBalancer") result.allocateLoadBalancerNodePorts ??= true;
  if (Array.isArray(spec.ports)) {
    result.ports = asStructs(spec.ports).map((port) => ({ ...port, targetPort: targetPortOf(port) }));
  }
  return result;
}

function targetPortOf(port: Fields): unknown {
  return port.targetPort === undefined || port.targetPort === 0 || port.targetPort === "" ? port.port : port.targetPort;
}

const serviceKind = {
  kind: "Service",
  shortNames: ["svc"],
  categories: ["all"],
  fields: { spec: serviceSpec, status: serviceStatus },
  complete: completeService,
};

const endpointAddress = atomic(
  struct(core("EndpointAddress"), { ip: text, hostname: text, nodeName: text, targetRef: objectReference }, ["ip"]),
);

const endpointsKind = {
  kind: "Endpoints",
  plural: "endpoints",
  shortNames: ["ep"],
  fields: {
    subsets: listOf(
      struct(core("EndpointSubset"), {
        addresses: listOf(endpointAddress),
        notReadyAddresses: listOf(endpointAddress),
        ports: listOf(
          atomic(
            struct(core("EndpointPort"), { name: text, port: between(1, 65_535, int32), protocol, appProtocol: text }, [
              "port",
            ]),
          ),
        ),
      }),
    ),
  },
};

/** Service and Endpoints. */
export const serviceKinds: readonly KindDefinition[] = [serviceKind, endpointsKind].map((kind) =>
  builtinKind(coreGroup, kind),
);

import type { Pod, Service } from "#api";

/** A port of a slice: the service port's name with the pod's number. */
export interface EndpointPort {
  readonly name: string;
  readonly port: number;
  readonly protocol: "TCP" | "UDP" | "SCTP";
  readonly appProtocol?: string;
}

/**
 * Finds the pod ports behind a service. A named target port may have another number in each pod; a name that the pod does
 * not have leaves the port out. Source: Kubernetes `podutil.FindPort`, `endpointslice` getEndpointPorts.
 */
export function resolvePorts(service: Service, pod: Pod): readonly EndpointPort[] {
  return (service.spec.ports ?? []).flatMap((servicePort) => {
    const protocol = servicePort.protocol ?? "TCP";
    const port = findPort(servicePort.targetPort ?? servicePort.port, protocol, pod);
    if (port === undefined) return [];
    const { appProtocol } = servicePort;
    return [{ name: servicePort.name ?? "", port, protocol, ...(appProtocol === undefined ? {} : { appProtocol }) }];
  });
}

function findPort(target: number | string, protocol: string, pod: Pod): number | undefined {
  if (typeof target === "number") return target;
  // A sidecar is an init container that goes on running, so its ports serve too.
  const sidecars = (pod.spec.initContainers ?? []).filter((container) => container.restartPolicy === "Always");
  for (const container of [...pod.spec.containers, ...sidecars]) {
    for (const port of container.ports ?? []) {
      if (port.name === target && (port.protocol ?? "TCP") === protocol) return port.containerPort;
    }
  }
  return undefined;
}

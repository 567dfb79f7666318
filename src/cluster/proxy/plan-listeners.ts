import type { Pod, Service } from "#api";

/** A listener that there should be; equal keys mean the same listener. */
export type WantedListener =
  | {
      readonly key: string;
      readonly kind: "pod";
      readonly address: string;
      readonly port: number;
      readonly namespace: string;
    }
  | {
      readonly key: string;
      readonly kind: "service";
      readonly address: string;
      readonly port: number;
      readonly host: string;
    };

/** The sidecar's outbound port on every pod's address. Source: docs/design/0001. */
export const POD_PORT = 15_001;

/** The listeners for pods that run here and for the addresses of Services, by key. */
export function planListeners(pods: readonly Pod[], services: readonly Service[]): Map<string, WantedListener> {
  const wanted = new Map<string, WantedListener>();
  for (const pod of pods) {
    const address = pod.status?.podIP;
    const isOver = pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
    if (address === undefined || isOver) continue;
    const { namespace = "default" } = pod.metadata;
    // The namespace belongs to the key: an address may go from a pod of one to a pod of another.
    const key = `pod ${address} ${namespace}`;
    wanted.set(key, { key, kind: "pod", address, port: POD_PORT, namespace });
  }
  for (const service of services) {
    const address = service.spec.clusterIP;
    if (address === undefined || address === "None" || address === "" || address.includes(":")) continue;
    const host = `${service.metadata.name}.${service.metadata.namespace ?? "default"}.svc.cluster.local`;
    for (const { port, protocol } of service.spec.ports ?? []) {
      if (protocol !== undefined && protocol !== "TCP") continue;
      const key = `service ${address}:${port} ${host}`;
      wanted.set(key, { key, kind: "service", address, port, host });
    }
  }
  return wanted;
}

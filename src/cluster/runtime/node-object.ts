import { arch, availableParallelism, platform, release, totalmem } from "node:os";
import { type KubeObject, resources } from "#api";
import { formatBytes } from "#base";
import { ApiFailure, type KubeClient } from "#kube";
import { formatTime } from "./lifecycle/index.ts";

/** The one node's name. */
export const NODE_NAME = "serin";

/** Source: the well-known labels of Kubernetes; the architecture in Go's words. */
export function nodeLabels(): Readonly<Record<string, string>> {
  const goArch = arch() === "x64" ? "amd64" : arch();
  return {
    "kubernetes.io/hostname": NODE_NAME,
    "kubernetes.io/os": platform(),
    "kubernetes.io/arch": goArch,
    "node-role.kubernetes.io/control-plane": "",
  };
}

/** What this machine has. */
export function nodeCapacity(): { readonly cpuCores: number; readonly memoryBytes: number } {
  return { cpuCores: availableParallelism(), memoryBytes: totalmem() };
}

const POD_COUNT_MAX = "500";

/** Creates the Node object, or brings the one of an earlier life up to date. */
export async function registerNode(client: KubeClient, options: { address: string; nowMs: number }): Promise<void> {
  const labels = nodeLabels();
  const node: KubeObject = {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: NODE_NAME, labels },
    spec: { podCIDR: `${options.address.split(".").slice(0, 2).join(".")}.0.0/16` },
  };
  const key = { name: NODE_NAME };
  try {
    await client.create(resources.nodes, node);
  } catch (thrown) {
    if (!(thrown instanceof ApiFailure && thrown.httpStatus === 409)) throw thrown;
    await client.patch(resources.nodes, key, { kind: "merge", body: { metadata: { labels } } });
  }
  const body = { status: nodeStatus(labels, options) };
  await client.patch(resources.nodes, key, { kind: "merge", body, options: { subresource: "status" } });
}

function nodeStatus(labels: Readonly<Record<string, string>>, options: { address: string; nowMs: number }): unknown {
  const { cpuCores, memoryBytes } = nodeCapacity();
  const memory = formatBytes(Math.floor(memoryBytes / 1024) * 1024);
  const capacity = { cpu: String(cpuCores), memory, pods: POD_COUNT_MAX };
  const now = formatTime(options.nowMs);
  const condition = (type: string, isTrue: boolean, why: { reason: string; message: string }): unknown => ({
    type,
    status: isTrue ? "True" : "False",
    ...why,
    lastHeartbeatTime: now,
    lastTransitionTime: now,
  });
  return {
    capacity,
    allocatable: capacity,
    conditions: [
      condition("MemoryPressure", false, {
        reason: "KubeletHasSufficientMemory",
        message: "kubelet has sufficient memory available",
      }),
      condition("DiskPressure", false, { reason: "KubeletHasNoDiskPressure", message: "kubelet has no disk pressure" }),
      condition("PIDPressure", false, {
        reason: "KubeletHasSufficientPID",
        message: "kubelet has sufficient PID available",
      }),
      condition("Ready", true, { reason: "KubeletReady", message: "kubelet is posting ready status" }),
    ],
    addresses: [
      { type: "InternalIP", address: options.address },
      { type: "Hostname", address: NODE_NAME },
    ],
    nodeInfo: {
      architecture: labels["kubernetes.io/arch"],
      operatingSystem: platform(),
      kernelVersion: release(),
      osImage: "Serin embedded cluster",
      containerRuntimeVersion: `process://${process.version}`,
      kubeletVersion: "v1.32.0-serin",
      kubeProxyVersion: "v1.32.0-serin",
      machineID: "",
      systemUUID: "",
      bootID: "",
    },
  };
}

import type { KubeObject } from "#api";
import { isObject } from "#base";

/** Keeps a pod's list of addresses in step with its first one. Source: `Convert_v1_PodStatus_To_core_PodStatus`. */
export function withPodAddresses(pod: KubeObject): KubeObject {
  const status = isObject(pod.status) ? pod.status : {};
  const first = status["podIP"];
  if (typeof first !== "string" || first === "") return pod;
  const listed = Array.isArray(status["podIPs"]) ? status["podIPs"] : [];
  if (isObject(listed[0]) && listed[0]["ip"] === first) return pod;
  return { ...pod, status: { ...status, podIPs: [{ ip: first }] } };
}

import { isObject } from "#base";
import type { KubeObject } from "../meta.ts";
import { asStructs, type Fields } from "./struct-fields.ts";

/** Defaults of a pod that depend on other fields. Source: Kubernetes `core/v1` `SetDefaults_Pod`, `SetDefaults_Container`. */

/** Completes a kind that holds a pod template at the path. */
export function completeTemplateKind(path: readonly string[]) {
  return (object: KubeObject): KubeObject => updateAt(object, path, completeTemplate);
}

/** Replaces the object at a path, when there is one, sharing the rest. */
export function updateAt<T extends Fields>(object: T, path: readonly string[], update: (value: Fields) => Fields): T {
  const [field, ...rest] = path;
  if (field === undefined) return object;
  const inner = object[field];
  if (!isObject(inner)) return object;
  return { ...object, [field]: rest.length === 0 ? update(inner) : updateAt(inner, rest, update) };
}

/** Completes a pod template; its metadata is always there. */
export function completeTemplate(template: Fields): Fields {
  const spec = isObject(template.spec) ? { spec: completePodSpec(template.spec) } : {};
  return { ...template, metadata: template.metadata ?? {}, ...spec };
}

/** Completes a spec as it stands in a template and in a pod alike. */
export function completePodSpec(spec: Fields): Fields {
  const result: Record<string, unknown> = { ...spec };
  const account = [spec.serviceAccountName, spec.serviceAccount].find(
    (name) => typeof name === "string" && name !== "",
  );
  if (account !== undefined) Object.assign(result, { serviceAccountName: account, serviceAccount: account });
  if (Array.isArray(spec.volumes)) result.volumes = asStructs(spec.volumes).map(completeVolume);
  for (const list of ["containers", "initContainers", "ephemeralContainers"]) {
    if (Array.isArray(spec[list])) result[list] = asStructs(spec[list]).map((item) => completeContainer(item, spec));
  }
  return result;
}

function completeVolume(volume: Fields): Fields {
  return Object.keys(volume).some((key) => key !== "name") ? volume : { ...volume, emptyDir: {} };
}

function completeContainer(container: Fields, spec: Fields): Fields {
  const result: Record<string, unknown> = { ...container };
  result.imagePullPolicy ??= pullPolicyOf(typeof container.image === "string" ? container.image : "");
  if (spec.hostNetwork === true && Array.isArray(container.ports)) {
    result.ports = asStructs(container.ports).map((port) => ({
      ...port,
      hostPort: port.hostPort ?? port.containerPort,
    }));
  }
  return result;
}

/** `Always` for an image that may change under its name: one without tag or digest, or tagged `latest`. */
function pullPolicyOf(image: string): "Always" | "IfNotPresent" {
  if (image.includes("@")) return "IfNotPresent";
  const tag = /:([^:/]+)$/.exec(image)?.[1];
  return tag === undefined || tag === "latest" ? "Always" : "IfNotPresent";
}

/** A pod asks for what it is limited to; a template is kept as it was written. Source: `core/v1` `SetDefaults_Pod`. */
function withRequests(container: Fields): Fields {
  const { resources } = container;
  if (!isObject(resources) || !isObject(resources.limits)) return container;
  const requests = isObject(resources.requests) ? resources.requests : {};
  return { ...container, resources: { ...resources, requests: { ...resources.limits, ...requests } } };
}

const NOT_READY_SECONDS = 300;

/**
 * Completes a pod: what its spec gets beyond a template's, the two tolerations that admission adds, and the status it
 * starts with.
 */
export function completePod(pod: KubeObject, old: KubeObject | undefined): KubeObject {
  if (!isObject(pod.spec)) return pod;
  const spec: Record<string, unknown> = { ...completePodSpec(pod.spec) };
  spec.enableServiceLinks ??= true;
  for (const list of ["containers", "initContainers"]) {
    if (Array.isArray(spec[list])) spec[list] = asStructs(spec[list]).map(withRequests);
  }
  if (old !== undefined) return { ...pod, spec };
  spec.priority ??= 0;
  spec.preemptionPolicy ??= "PreemptLowerPriority";
  spec.tolerations = withDefaultTolerations(asStructs(spec.tolerations));
  return { ...pod, spec, status: { phase: "Pending", qosClass: qosClassOf(spec) } };
}

function withDefaultTolerations(tolerations: readonly Fields[]): readonly Fields[] {
  const added = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]
    .filter((key) => !tolerations.some((toleration) => tolerates(toleration, key)))
    .map((key) => ({ key, operator: "Exists", effect: "NoExecute", tolerationSeconds: NOT_READY_SECONDS }));
  return [...tolerations, ...added];
}

function tolerates(toleration: Fields, key: string): boolean {
  const isForKey = toleration.key === key || toleration.key === undefined || toleration.key === "";
  return isForKey && (toleration.effect === undefined || toleration.effect === "" || toleration.effect === "NoExecute");
}

/** How a pod is treated under pressure. Source: Kubernetes `qos.GetPodQOS`. */
function qosClassOf(spec: Fields): "Guaranteed" | "Burstable" | "BestEffort" {
  const containers = [...asStructs(spec.containers), ...asStructs(spec.initContainers)];
  const resources = containers.map((container) => (isObject(container.resources) ? container.resources : {}));
  const compute = (of: unknown) => (isObject(of) ? ["cpu", "memory"].filter((name) => of[name] !== undefined) : []);
  if (resources.every((item) => compute(item.limits).length + compute(item.requests).length === 0)) return "BestEffort";
  const isGuaranteed = resources.every((item) => {
    const { limits, requests } = item;
    return (
      compute(limits).length === 2 &&
      isObject(limits) &&
      isObject(requests) &&
      requests.cpu === limits.cpu &&
      requests.memory === limits.memory
    );
  });
  return isGuaranteed ? "Guaranteed" : "Burstable";
}

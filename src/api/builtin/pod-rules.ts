import { deepCopy, deepEqual, isObject, parseQuantity, type Problem } from "#base";
import { childPath, forbiddenField, invalidField, requiredField } from "../validation/field-problem.ts";
import { dnsLabel, dnsSubdomain } from "../validation/names.ts";
import { asStructs, type Fields } from "./struct-fields.ts";

/** Rules of a pod's spec. Source: Kubernetes `pkg/apis/core/validation` `ValidatePodSpec`. */
export function podSpecProblems(spec: Fields, path: string): Problem[] {
  const volumes = new Set(asStructs(spec.volumes).map((volume) => volume.name));
  const lists = ["initContainers", "containers"] as const;
  return [
    ...asStructs(spec.volumes).flatMap((volume, i) => nameFaults(volume.name, `${path}.volumes[${i}].name`)),
    ...lists.flatMap((list) =>
      asStructs(spec[list]).flatMap((container, i) => containerProblems(container, `${path}.${list}[${i}]`, volumes)),
    ),
    ...subdomainFaults(spec.nodeName, childPath(path, "nodeName")),
    ...subdomainFaults(spec.serviceAccountName, childPath(path, "serviceAccountName")),
    ...nameFaults(spec.hostname, childPath(path, "hostname")),
    ...nameFaults(spec.subdomain, childPath(path, "subdomain")),
  ];
}

function nameFaults(name: unknown, path: string): Problem[] {
  if (typeof name !== "string" || name === "") return [];
  return dnsLabel(name).map((fault) => invalidField(path, JSON.stringify(name), fault));
}

function subdomainFaults(name: unknown, path: string): Problem[] {
  if (typeof name !== "string" || name === "") return [];
  return dnsSubdomain(name).map((fault) => invalidField(path, JSON.stringify(name), fault));
}

function containerProblems(container: Fields, path: string, volumes: ReadonlySet<unknown>): Problem[] {
  const problems = nameFaults(container.name, childPath(path, "name"));
  if (container.image === undefined || container.image === "") problems.push(requiredField(childPath(path, "image")));
  asStructs(container.volumeMounts).forEach((mount, i) => {
    if (volumes.has(mount.name)) return;
    const message = `Not found: ${JSON.stringify(mount.name ?? "")}`;
    problems.push({ path: `${path}.volumeMounts[${i}].name`, code: "FieldValueNotFound", message });
  });
  for (const probe of ["livenessProbe", "readinessProbe", "startupProbe"]) {
    problems.push(...probeProblems(container[probe], childPath(path, probe)));
  }
  return [...problems, ...resourceProblems(container.resources, childPath(path, "resources"))];
}

const HANDLERS = ["exec", "httpGet", "tcpSocket", "grpc"];

function probeProblems(probe: unknown, path: string): Problem[] {
  if (!isObject(probe)) return [];
  const handlers = HANDLERS.filter((handler) => probe[handler] !== undefined);
  const problems = handlers
    .slice(1)
    .map((handler) => forbiddenField(childPath(path, handler), "may not specify more than 1 handler type"));
  if (handlers.length === 0) problems.push(requiredField(path, "must specify a handler type"));
  if (!path.endsWith("readinessProbe") && typeof probe.successThreshold === "number" && probe.successThreshold !== 1) {
    problems.push(invalidField(childPath(path, "successThreshold"), String(probe.successThreshold), "must be 1"));
  }
  return problems;
}

function resourceProblems(resources: unknown, path: string): Problem[] {
  if (!isObject(resources)) return [];
  const limits = isObject(resources.limits) ? resources.limits : {};
  const requests = isObject(resources.requests) ? resources.requests : {};
  return Object.entries(requests).flatMap(([name, request]) => {
    const limit = limits[name];
    if (limit === undefined || amount(request) <= amount(limit)) return [];
    const detail = `must be less than or equal to ${name} limit of ${typeof limit === "string" ? limit : JSON.stringify(limit)}`;
    return [invalidField(`${path}.requests`, JSON.stringify(request), detail)];
  });
}

function amount(value: unknown): number {
  const parsed = parseQuantity(typeof value === "number" ? value : String(value));
  return parsed.ok ? parsed.value : 0;
}

/**
 * What of a pod's spec may change after creation: images, the active deadline, added tolerations, a termination grace
 * period of a pod that had a negative one, and removed scheduling gates.
 *
 * Source: Kubernetes `ValidatePodUpdate`.
 */
export function podUpdateProblems(spec: Fields, old: Fields): Problem[] {
  const names = (from: Fields) => asStructs(from.containers).map((container) => container.name);
  if (names(spec).length !== names(old).length) {
    return [forbiddenField("spec.containers", "pod updates may not add or remove containers")];
  }
  if (deepEqual(withoutMutable(spec), withoutMutable(old))) return [];
  const detail =
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";
  return [forbiddenField("spec", detail)];
}

function withoutMutable(spec: Fields): Fields {
  const copy: Record<string, unknown> = deepCopy(spec);
  for (const field of ["activeDeadlineSeconds", "tolerations", "schedulingGates", "nodeName", "ephemeralContainers"])
    delete copy[field];
  for (const list of ["containers", "initContainers"]) {
    if (copy[list] !== undefined) copy[list] = asStructs(copy[list]).map((container) => ({ ...container, image: "" }));
  }
  return copy;
}

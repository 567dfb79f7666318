import type { Problem } from "#base";
import { childPath, duplicateField, forbiddenField, invalidField, requiredField } from "../validation/field-problem.ts";
import { dnsLabel, dnsSubdomain } from "../validation/names.ts";
import { asStructs, type Fields } from "./struct-fields.ts";

/** Rules of a Service's spec. Source: Kubernetes `pkg/apis/core/validation` `ValidateService`. */
export function serviceSpecProblems(spec: Fields, path: string): Problem[] {
  const ports = asStructs(spec.ports);
  const isHeadless = spec.clusterIP === "None";
  const problems: Problem[] = [];
  if (ports.length === 0 && !isHeadless && spec.type !== "ExternalName")
    problems.push(requiredField(childPath(path, "ports")));
  if (spec.type === "ExternalName") problems.push(...externalNameProblems(spec, path));
  if (spec.type === "LoadBalancer" && isHeadless) {
    const detail = "may not be set to 'None' for LoadBalancer services";
    problems.push(invalidField(childPath(path, "clusterIPs[0]"), '"None"', detail));
  }
  return [...problems, ...portNameProblems(ports, childPath(path, "ports"))];
}

function externalNameProblems(spec: Fields, path: string): Problem[] {
  const name = typeof spec.externalName === "string" ? spec.externalName.replace(/\.$/, "") : "";
  const at = childPath(path, "externalName");
  const problems =
    name === ""
      ? [requiredField(at)]
      : dnsSubdomain(name.toLowerCase()).map((fault) => invalidField(at, JSON.stringify(name), fault));
  if (typeof spec.clusterIP === "string" && spec.clusterIP !== "") {
    problems.push(forbiddenField(childPath(path, "clusterIPs"), "may not be set for ExternalName services"));
  }
  return problems;
}

function portNameProblems(ports: readonly Fields[], path: string): Problem[] {
  const seenNames = new Set<unknown>();
  const seenPorts = new Set<string>();
  return ports.flatMap((port, i) => {
    const at = `${path}[${i}]`;
    const problems: Problem[] = [];
    const name = typeof port.name === "string" ? port.name : "";
    if (name === "" && ports.length > 1) problems.push(requiredField(`${at}.name`));
    if (name !== "") {
      problems.push(...dnsLabel(name).map((fault) => invalidField(`${at}.name`, JSON.stringify(name), fault)));
      if (seenNames.has(name)) problems.push(duplicateField(`${at}.name`, name));
      seenNames.add(name);
    }
    const key = `${String(port.protocol)}/${String(port.port)}`;
    if (seenPorts.has(key)) {
      const shown = `core.ServicePort{Name:"", Protocol:${JSON.stringify(port.protocol)}, Port:${String(port.port)}}`;
      problems.push({ path: at, code: "FieldValueDuplicate", message: `Duplicate value: ${shown}` });
    }
    seenPorts.add(key);
    return problems;
  });
}

import type { KubeObject, Resource } from "#api";
import { badRequest } from "../status/status-error.ts";
import { valueAt } from "../read-field.ts";

export type FieldMatcher = (object: KubeObject) => boolean;

interface Requirement {
  readonly field: string;
  readonly isNegated: boolean;
  readonly value: string;
}

const EVERY_KIND = ["metadata.name", "metadata.namespace"];
const EVENT_FIELDS = [
  "involvedObject.kind",
  "involvedObject.namespace",
  "involvedObject.name",
  "involvedObject.uid",
  "involvedObject.apiVersion",
  "involvedObject.resourceVersion",
  "involvedObject.fieldPath",
  "reason",
  "reportingComponent",
  "source",
  "type",
];

/** Fields that can be selected by, beyond name and namespace. Source: the `AddFieldLabelConversionFunc` of each group. */
const BY_RESOURCE: ReadonlyMap<string, readonly string[]> = new Map([
  [
    "/pods",
    [
      "spec.nodeName",
      "spec.restartPolicy",
      "spec.schedulerName",
      "spec.serviceAccountName",
      "spec.hostNetwork",
      "status.phase",
      "status.podIP",
      "status.podIPs",
      "status.nominatedNodeName",
    ],
  ],
  ["/nodes", ["spec.unschedulable"]],
  ["/namespaces", ["status.phase"]],
  ["/secrets", ["type"]],
  ["/services", ["spec.clusterIP", "spec.type"]],
  ["/replicationcontrollers", ["status.replicas"]],
  ["/events", EVENT_FIELDS],
  [
    "events.k8s.io/events",
    [
      "reason",
      "reportingController",
      "type",
      "regarding.kind",
      "regarding.name",
      "regarding.namespace",
      "regarding.uid",
    ],
  ],
  ["apps/replicasets", ["status.replicas"]],
  ["batch/jobs", ["status.successful"]],
]);

/** Selectable fields that a real server derives from another field, with that field's path. */
const DERIVED: ReadonlyMap<string, string> = new Map([
  ["source", "source.component"],
  ["status.successful", "status.succeeded"],
]);

/**
 * Parses `metadata.name=a,spec.nodeName!=b`; values may escape `,`, `=` and `\` with a backslash. `extra` names the
 * selectable fields of a custom resource.
 *
 * Source: apimachinery `fields.ParseSelector`.
 *
 * @throws StatusError 400 for a field that this kind cannot be selected by.
 */
export function parseFieldSelector(text: string, resource: Resource, extra: readonly string[] = []): FieldMatcher {
  if (text.trim() === "") return () => true;
  const offered = [...EVERY_KIND, ...(BY_RESOURCE.get(`${resource.group}/${resource.plural}`) ?? []), ...extra];
  const requirements = splitUnescaped(text).map(parseRequirement);
  for (const { field } of requirements) {
    if (!offered.includes(field)) throw badRequest(`field label not supported: ${field}`);
  }
  return (object) => requirements.every((requirement) => matches(requirement, object));
}

function matches({ field, value, isNegated }: Requirement, object: KubeObject): boolean {
  return (textAt(object, DERIVED.get(field) ?? field) === value) !== isNegated;
}

/** The field as text; a missing one is empty, but for those whose zero value reads otherwise. */
function textAt(object: KubeObject, path: string): string {
  const value = valueAt(object, ...path.split("."));
  if (typeof value === "string") return value;
  if (value !== undefined && value !== null) return JSON.stringify(value);
  return path === "spec.unschedulable" || path === "spec.hostNetwork" ? "false" : "";
}

function parseRequirement(text: string): Requirement {
  const match = /^((?:[^\\=!]|\\.)*?)(==|!=|=)(.*)$/s.exec(text);
  if (match === null) throw badRequest(`invalid selector: '${text}'; can't understand '${text}'`);
  const [, field = "", operator, value = ""] = match;
  return { field: field.trim(), isNegated: operator === "!=", value: value.replaceAll(/\\([,=\\])/g, "$1") };
}

function splitUnescaped(text: string): string[] {
  return (text.match(/(?:[^,\\]|\\.)+/gs) ?? []).filter((part) => part !== "");
}

import { deepEqual, type Problem } from "#base";
import type { ObjectMeta, OwnerReference } from "../meta.ts";
import { encodeUtf8 } from "../utf8.ts";
import type { Resource } from "../resource.ts";
import { childPath, forbiddenField, invalidField, requiredField } from "./field-problem.ts";
import {
  dns1035Label,
  dnsLabel,
  dnsSubdomain,
  labelValue,
  type NameCheck,
  pathSegment,
  qualifiedName,
} from "./names.ts";

const ANNOTATIONS_MAX_BYTES = 256 * 1024;
/** The longest prefix of which a random suffix of five characters still fits into a label. Source: apiserver `names`. */
const GENERATED_NAME_MAX_LENGTH = 58;

export interface ObjectMetaOptions {
  /** The kind of the object; it decides what its name may look like. */
  readonly resource: Pick<Resource, "group" | "kind" | "namespaced">;
  /** The metadata before the change; absent when the object is being created. */
  readonly old?: ObjectMeta;
}

/**
 * Checks names, labels, annotations, owner references and finalizers, and that what may not change did not.
 *
 * Source: apimachinery `api/validation` `ValidateObjectMeta` and `ValidateObjectMetaUpdate`.
 */
export function validateObjectMeta(meta: ObjectMeta, options: ObjectMetaOptions): Problem[] {
  const problems = [
    ...nameProblems(meta, options),
    ...namespaceProblems(meta, options.resource.namespaced),
    ...labelProblems(meta.labels, "metadata.labels"),
    ...annotationProblems(meta.annotations, "metadata.annotations"),
    ...ownerProblems(meta.ownerReferences ?? []),
    ...finalizerProblems(meta.finalizers ?? [], isOfKubernetes(options.resource.group)),
  ];
  return options.old === undefined ? problems : [...problems, ...changeProblems(meta, options.old)];
}

function nameProblems(meta: ObjectMeta, options: ObjectMetaOptions): Problem[] {
  const check = nameCheckOf(options.resource);
  const prefix = (meta.generateName ?? "").slice(0, GENERATED_NAME_MAX_LENGTH);
  const problems =
    prefix === "" || options.old !== undefined
      ? []
      : check(prefix.replace(/[-.]+$/, "") || prefix).map((fault) =>
          invalid("metadata.generateName", meta.generateName, fault),
        );
  if (meta.name === undefined || meta.name === "") {
    return prefix === "" ? [requiredField("metadata.name", "name or generateName is required")] : problems;
  }
  return [...problems, ...check(meta.name).map((fault) => invalid("metadata.name", meta.name, fault))];
}

/** Which names a kind takes: most are DNS subdomains. Source: `ValidateName` functions of the kinds' strategies. */
function nameCheckOf(resource: Pick<Resource, "group" | "kind">): NameCheck {
  if (resource.group === "rbac.authorization.k8s.io") return pathSegment;
  switch (`${resource.group}/${resource.kind}`) {
    case "/Namespace":
      return dnsLabel;
    case "/Service":
      return dns1035Label;
    default:
      return dnsSubdomain;
  }
}

function namespaceProblems(meta: ObjectMeta, isNamespaced: boolean): Problem[] {
  const namespace = meta.namespace ?? "";
  if (!isNamespaced) return namespace === "" ? [] : [forbiddenField("metadata.namespace", "not allowed on this type")];
  if (namespace === "") return [requiredField("metadata.namespace")];
  return dnsLabel(namespace).map((fault) => invalid("metadata.namespace", namespace, fault));
}

/** Checks the keys and values of labels, wherever they stand. */
export function labelProblems(labels: Readonly<Record<string, string>> | undefined, path: string): Problem[] {
  return Object.entries(labels ?? {}).flatMap(([key, value]) => [
    ...qualifiedName(key).map((fault) => invalid(path, key, fault)),
    ...labelValue(value).map((fault) => invalid(path, value, fault)),
  ]);
}

/** Checks the keys of annotations and their size together. */
export function annotationProblems(annotations: Readonly<Record<string, string>> | undefined, path: string): Problem[] {
  const entries = Object.entries(annotations ?? {});
  const problems = entries.flatMap(([key]) =>
    qualifiedName(key.toLowerCase()).map((fault) => invalid(path, key, fault)),
  );
  const sizeBytes = entries.reduce((sum, [key, value]) => sum + encodeUtf8(key).length + encodeUtf8(value).length, 0);
  if (sizeBytes <= ANNOTATIONS_MAX_BYTES) return problems;
  const message = `Too long: may not be more than ${ANNOTATIONS_MAX_BYTES} bytes`;
  return [...problems, { path, code: "FieldValueTooLong", message }];
}

function ownerProblems(owners: readonly OwnerReference[]): Problem[] {
  const path = "metadata.ownerReferences";
  const problems = owners.flatMap((owner) => ownerReferenceProblems(owner, path));
  const controllers = owners.filter((owner) => owner.controller === true);
  const [first, second] = controllers;
  if (first === undefined || second === undefined) return problems;
  const detail = `Only one reference can have Controller set to true. Found "true" in references for ${first.kind}/${first.name} and ${second.kind}/${second.name}`;
  return [...problems, invalidField(path, `[]v1.OwnerReference{…}`, detail)];
}

function ownerReferenceProblems(owner: OwnerReference, path: string): Problem[] {
  const problems: Problem[] = [];
  const needs = (field: "apiVersion" | "kind" | "name" | "uid", detail: string) => {
    if ((owner[field] ?? "") === "") problems.push(invalid(childPath(path, field), "", detail));
  };
  needs("apiVersion", "version must not be empty");
  needs("kind", "kind must not be empty");
  needs("name", "name must not be empty");
  needs("uid", "uid must not be empty");
  return problems;
}

const STANDARD_FINALIZERS = new Set(["kubernetes", "orphan", "foregroundDeletion"]);

/** Kubernetes asks for a domain and a slash on its own kinds only. Source: `pkg/apis/core/validation` ValidateObjectMeta. */
function isOfKubernetes(group: string): boolean {
  return !group.includes(".") || group.endsWith(".k8s.io");
}

function finalizerProblems(finalizers: readonly string[], needsDomain: boolean): Problem[] {
  const problems = finalizers.flatMap((finalizer, i) => {
    const path = `metadata.finalizers[${i}]`;
    const faults = qualifiedName(finalizer).map((fault) => invalid(path, finalizer, fault));
    const isNamed = !needsDomain || finalizer.includes("/") || STANDARD_FINALIZERS.has(finalizer);
    if (faults.length > 0 || isNamed) return faults;
    return [invalid(path, finalizer, "name is neither a standard finalizer name nor is it fully qualified")];
  });
  if (!finalizers.includes("orphan") || !finalizers.includes("foregroundDeletion")) return problems;
  const detail = "finalizer orphan and foregroundDeletion cannot be both set";
  return [...problems, invalidField("metadata.finalizers", goStrings(finalizers), detail)];
}

function changeProblems(meta: ObjectMeta, old: ObjectMeta): Problem[] {
  const problems: Problem[] = [];
  const immutable = (["name", "namespace", "uid", "creationTimestamp"] as const).filter(
    (field) => old[field] !== undefined && !deepEqual(meta[field], old[field]),
  );
  for (const field of immutable) problems.push(invalid(`metadata.${field}`, meta[field] ?? "", "field is immutable"));
  if (old.deletionTimestamp === undefined) return problems;
  const added = (meta.finalizers ?? []).filter((finalizer) => !(old.finalizers ?? []).includes(finalizer));
  if (added.length > 0) {
    const detail = `no new finalizers can be added if the object is being deleted, found new finalizers ${goStrings(added)}`;
    problems.push(forbiddenField("metadata.finalizers", detail));
  }
  return problems;
}

function goStrings(list: readonly string[]): string {
  return `[]string{${list.map((item) => JSON.stringify(item)).join(", ")}}`;
}

function invalid(path: string, value: unknown, detail: string): Problem {
  return invalidField(path, JSON.stringify(value ?? ""), detail);
}

import { deepEqual, type Problem } from "#base";
import type { KubeObject } from "../meta.ts";
import { invalidField, requiredField, unsupportedField } from "../validation/field-problem.ts";
import { dns1035Label, dnsSubdomain } from "../validation/names.ts";
import { type Crd, type CrdVersion, readCrd } from "./read-crd.ts";
import { structuralProblems } from "./structural-problems.ts";

/**
 * Checks a CustomResourceDefinition: its name, names, versions, and that each schema is structural.
 *
 * Source: apiextensions `validation.ValidateCustomResourceDefinition`; texts as the conformance cases have them.
 */
export function validateCrd(crd: KubeObject, old?: KubeObject): Problem[] {
  const read = readCrd(crd);
  const name = crd.metadata?.name ?? "";
  const problems: Problem[] = [];
  if (name !== `${read.names.plural}.${read.group}`) {
    problems.push(invalidField("metadata.name", JSON.stringify(name), 'must be spec.names.plural+"."+spec.group'));
  }
  problems.push(...groupProblems(read), ...scopeProblems(read.scope), ...versionProblems(read), ...namesProblems(read));
  if (read.preservesUnknown) {
    const detail =
      "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead";
    problems.push(invalidField("spec.preserveUnknownFields", "true", detail));
  }
  return old === undefined ? problems : [...problems, ...changeProblems(read, readCrd(old))];
}

function groupProblems({ group }: Crd): Problem[] {
  if (group === "") return [requiredField("spec.group")];
  if (!group.includes(".")) {
    return [invalidField("spec.group", JSON.stringify(group), "should be a domain with at least one dot")];
  }
  return dnsSubdomain(group).map((fault) => invalidField("spec.group", JSON.stringify(group), fault));
}

function scopeProblems(scope: string): Problem[] {
  if (scope === "") return [requiredField("spec.scope")];
  const supported = ["Cluster", "Namespaced"];
  return supported.includes(scope) ? [] : [unsupportedField("spec.scope", scope, supported)];
}

function versionProblems({ versions }: Crd): Problem[] {
  const problems: Problem[] = [];
  const seen = new Set<string>();
  versions.forEach((version, i) => {
    const at = `spec.versions[${i}]`;
    const faults = dns1035Label(version.name);
    if (seen.has(version.name))
      problems.push(invalidField(at, JSON.stringify(version.name), "must contain unique version names"));
    seen.add(version.name);
    problems.push(...faults.map((fault) => invalidField(`${at}.name`, JSON.stringify(version.name), fault)));
    if (version.schema === undefined) {
      problems.push(requiredField(`${at}.schema.openAPIV3Schema`, "schemas are required"));
    }
    problems.push(...columnProblems(version, at), ...scaleProblems(version, at));
  });
  if (versions.filter((version) => version.isStorage).length !== 1) {
    const shown = `[]apiextensions.CustomResourceDefinitionVersion{${versions.map(({ name }) => JSON.stringify(name)).join(", ")}}`;
    problems.push(invalidField("spec.versions", shown, "must have exactly one version marked as storage version"));
  }
  return [...problems, ...schemaProblems(versions)];
}

/** Equal schemas of all versions are one schema to the real server, which then names it by its older, common place. */
function schemaProblems(versions: readonly CrdVersion[]): Problem[] {
  const [first] = versions;
  if (first?.schema !== undefined && versions.every((version) => deepEqual(version.schema, first.schema))) {
    return structuralProblems(first.schema, "spec.validation.openAPIV3Schema");
  }
  return versions.flatMap(({ schema }, i) =>
    schema === undefined ? [] : structuralProblems(schema, `spec.versions[${i}].schema.openAPIV3Schema`),
  );
}

function columnProblems({ columns }: CrdVersion, at: string): Problem[] {
  return columns.flatMap((column, i) => {
    const path = `${at}.additionalPrinterColumns[${i}]`;
    const problems = column.name === "" ? [requiredField(`${path}.name`)] : [];
    if (column.jsonPath === "") problems.push(requiredField(`${path}.JSONPath`));
    else if (!column.jsonPath.startsWith(".")) {
      const detail = "is an invalid path: does not start with .";
      problems.push(invalidField(`${path}.JSONPath`, JSON.stringify(column.jsonPath), detail));
    }
    return problems;
  });
}

function scaleProblems({ scale }: CrdVersion, at: string): Problem[] {
  if (scale === undefined) return [];
  const path = `${at}.subresources.scale`;
  const under = (field: string, value: string, root: string) =>
    value.startsWith(root)
      ? []
      : [invalidField(`${path}.${field}`, JSON.stringify(value), `should be a json path under ${root}`)];
  return [
    ...under("specReplicasPath", scale.specReplicasPath, ".spec"),
    ...under("statusReplicasPath", scale.statusReplicasPath, ".status"),
  ];
}

function namesProblems({ names }: Crd): Problem[] {
  const mixed = (field: "kind" | "listKind") =>
    dns1035Label(names[field].toLowerCase()).map((fault) =>
      invalidField(
        `spec.names.${field}`,
        JSON.stringify(names[field]),
        `may have mixed case, but should otherwise match: ${fault}`,
      ),
    );
  const plain = (field: "plural" | "singular") =>
    dns1035Label(names[field]).map((fault) => invalidField(`spec.names.${field}`, JSON.stringify(names[field]), fault));
  if (names.plural === "") return [requiredField("spec.names.plural")];
  if (names.kind === "") return [requiredField("spec.names.kind")];
  const hasPlainKind = dns1035Label(names.kind.toLowerCase()).length === 0;
  const sameKind = names.kind === names.listKind && names.kind !== "";
  const clash = sameKind
    ? [invalidField("spec.names.listKind", JSON.stringify(names.listKind), "kind and listKind may not be the same")]
    : [];
  return [
    ...plain("plural"),
    ...(hasPlainKind ? plain("singular") : []),
    ...mixed("kind"),
    ...mixed("listKind"),
    ...clash,
  ];
}

function changeProblems(now: Crd, old: Crd): Problem[] {
  const problems: Problem[] = [];
  const immutable = (path: string, value: string, before: string) => {
    if (before !== "" && value !== before)
      problems.push(invalidField(path, JSON.stringify(value), "field is immutable"));
  };
  immutable("spec.group", now.group, old.group);
  immutable("spec.names.plural", now.names.plural, old.names.plural);
  immutable("spec.scope", now.scope, old.scope);
  immutable("spec.names.kind", now.names.kind, old.names.kind);
  return problems;
}

import { err, ok, type Problem, type Result } from "#base";
import type { KindDefinition } from "../kind.ts";
import type { KubeObject } from "../meta.ts";
import { objectFields } from "../schema/meta-schema.ts";
import type { Schema } from "../schema/schema.ts";
import { type Crd, type CrdVersion, readCrd } from "./read-crd.ts";
import { readSchema } from "./read-schema.ts";
import { validateCrd } from "./validate-crd.ts";

/**
 * Makes the definitions of all served versions of a CustomResourceDefinition, or tells what is wrong with it.
 *
 * Every schema knows `apiVersion`, `kind` and `metadata` although the definition need not name them.
 */
export function kindsFromCrd(crd: KubeObject): Result<KindDefinition[], Problem[]> {
  const problems = validateCrd(crd);
  if (problems.length > 0) return err(problems);
  const read = readCrd(crd);
  return ok(read.versions.filter((version) => version.isServed).map((version) => kindOf(read, version)));
}

function kindOf(crd: Crd, version: CrdVersion): KindDefinition {
  const { names } = crd;
  return {
    resource: {
      group: crd.group,
      version: version.name,
      kind: names.kind,
      plural: names.plural,
      namespaced: crd.scope === "Namespaced",
    },
    singular: names.singular,
    listKind: names.listKind,
    shortNames: names.shortNames,
    categories: names.categories,
    schema: withObjectFields(readSchema(version.schema ?? {})),
    hasStatus: version.hasStatus,
    ...(version.scale === undefined ? {} : { scale: version.scale }),
    columns: version.columns.length === 0 ? [ageColumn] : version.columns,
    origin: "crd",
  };
}

function withObjectFields(schema: Schema): Schema {
  return { ...schema, properties: { ...objectFields, ...schema.properties, metadata: objectFields.metadata ?? {} } };
}

/** What a definition without columns shows. Source: apiextensions `tableconvertor`. */
const ageColumn = {
  name: "Age",
  type: "date",
  description: "When the object was created.",
  jsonPath: ".metadata.creationTimestamp",
} as const;

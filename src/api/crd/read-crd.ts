import { isObject } from "#base";
import type { PrinterColumn, ScalePaths } from "../kind.ts";
import type { KubeObject } from "../meta.ts";

/** One version of a CustomResourceDefinition, as far as it could be read. */
export interface CrdVersion {
  readonly name: string;
  readonly isServed: boolean;
  readonly isStorage: boolean;
  /** The schema as it was written; undefined when there is none. */
  readonly schema: Readonly<Record<string, unknown>> | undefined;
  readonly hasStatus: boolean;
  readonly scale: ScalePaths | undefined;
  readonly columns: readonly PrinterColumn[];
}

export interface CrdNames {
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly listKind: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
}

/** A CustomResourceDefinition read leniently: what is missing is empty, so that validation can name it. */
export interface Crd {
  readonly group: string;
  readonly scope: string;
  readonly names: CrdNames;
  readonly versions: readonly CrdVersion[];
  readonly preservesUnknown: boolean;
}

/** Reads the parts of a CustomResourceDefinition that the API server acts on; names that are missing follow from the kind. */
export function readCrd(crd: KubeObject): Crd {
  const spec = fieldsOf(crd.spec);
  const names = fieldsOf(spec.names);
  const kind = textOf(names.kind);
  return {
    group: textOf(spec.group),
    scope: textOf(spec.scope),
    names: {
      plural: textOf(names.plural),
      kind,
      singular: textOf(names.singular) || kind.toLowerCase(),
      listKind: textOf(names.listKind) || `${kind}List`,
      shortNames: textsOf(names.shortNames),
      categories: textsOf(names.categories),
    },
    versions: listOf(spec.versions).map(readVersion),
    preservesUnknown: spec.preserveUnknownFields === true,
  };
}

function readVersion(value: unknown): CrdVersion {
  const version = fieldsOf(value);
  const subresources = fieldsOf(version.subresources);
  const schema = fieldsOf(version.schema).openAPIV3Schema;
  return {
    name: textOf(version.name),
    isServed: version.served === true,
    isStorage: version.storage === true,
    schema: isObject(schema) ? schema : undefined,
    hasStatus: isObject(subresources.status),
    scale: isObject(subresources.scale) ? readScale(subresources.scale) : undefined,
    columns: listOf(version.additionalPrinterColumns).map(readColumn),
  };
}

function readScale(scale: Readonly<Record<string, unknown>>): ScalePaths {
  const labelSelectorPath = textOf(scale.labelSelectorPath);
  return {
    specReplicasPath: textOf(scale.specReplicasPath),
    statusReplicasPath: textOf(scale.statusReplicasPath),
    ...(labelSelectorPath === "" ? {} : { labelSelectorPath }),
  };
}

const COLUMN_TYPES = ["string", "integer", "number", "boolean", "date"] as const;

function readColumn(value: unknown): PrinterColumn {
  const column = fieldsOf(value);
  const description = textOf(column.description);
  const format = textOf(column.format);
  return {
    name: textOf(column.name),
    type: COLUMN_TYPES.find((type) => type === column.type) ?? "string",
    jsonPath: textOf(column.jsonPath),
    ...(description === "" ? {} : { description }),
    ...(format === "" ? {} : { format }),
    ...(typeof column.priority === "number" ? { priority: column.priority } : {}),
  };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return isObject(value) ? value : {};
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function textsOf(value: unknown): readonly string[] {
  return listOf(value).filter((item) => typeof item === "string");
}

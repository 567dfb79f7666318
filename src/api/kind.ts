import type { Problem } from "#base";
import type { KubeObject } from "./meta.ts";
import type { Resource } from "./resource.ts";
import type { Schema } from "./schema/schema.ts";

/** A printer column. `jsonPath` is for custom resources; built-in kinds compute their cells in the API server's table stage. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: "string" | "integer" | "number" | "boolean" | "date";
  readonly format?: string;
  readonly description?: string;
  readonly priority?: number;
  readonly jsonPath: string;
}

/** Where the scale subresource reads and writes. Source: apiextensions `CustomResourceSubresourceScale`. */
export interface ScalePaths {
  readonly specReplicasPath: string;
  readonly statusReplicasPath: string;
  readonly labelSelectorPath?: string;
}

/**
 * All that the API server needs to serve a kind. Built-in kinds are a table of these; a CRD yields one for each version.
 */
export interface KindDefinition {
  readonly resource: Resource;
  readonly singular: string;
  readonly listKind: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  /** Schema of the whole object; `apiVersion`, `kind` and `metadata` have their real fields in every kind. */
  readonly schema: Schema;
  readonly hasStatus: boolean;
  readonly scale?: ScalePaths;
  /** Printer columns of a custom resource; absent for built-in kinds. */
  readonly columns?: readonly PrinterColumn[];
  readonly origin: "builtin" | "crd";
  /** Defaults that a schema cannot express (they depend on other fields). Pure; returns a new object. */
  readonly complete?: (object: KubeObject, old: KubeObject | undefined) => KubeObject;
  /** Rules that a schema cannot express (selector matches template, immutable fields, …). */
  readonly validate?: (object: KubeObject, old: KubeObject | undefined) => readonly Problem[];
}

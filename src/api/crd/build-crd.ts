import type { PrinterColumn } from "../kind.ts";
import type { KubeObject } from "../meta.ts";
import type { Schema } from "../schema/schema.ts";

/** A custom kind of ours, in the fewest words. All its versions share one schema. */
export interface CrdBlueprint {
  readonly group: string;
  readonly kind: string;
  readonly plural?: string;
  readonly shortNames?: readonly string[];
  readonly categories: readonly string[];
  /** Served versions; the first is the one that is stored. */
  readonly versions: readonly string[];
  readonly columns?: readonly PrinterColumn[];
  readonly description: string;
  readonly spec: Schema;
  /** Without it the kind has no status subresource. */
  readonly status?: Schema;
  readonly isClusterScoped?: boolean;
  readonly isSpecRequired?: boolean;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Makes the CustomResourceDefinition of a blueprint. */
export function buildCrd(blueprint: CrdBlueprint): KubeObject {
  const { group, kind, shortNames = [], categories, columns = [] } = blueprint;
  const singular = kind.toLowerCase();
  const plural = blueprint.plural ?? `${singular}s`;
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: {
      name: `${plural}.${group}`,
      ...(blueprint.annotations === undefined ? {} : { annotations: blueprint.annotations }),
    },
    spec: {
      group,
      scope: blueprint.isClusterScoped === true ? "Cluster" : "Namespaced",
      names: { plural, singular, kind, listKind: `${kind}List`, ...nonEmpty({ shortNames, categories }) },
      versions: blueprint.versions.map((name, i) => ({
        name,
        served: true,
        storage: i === 0,
        ...(blueprint.status === undefined ? {} : { subresources: { status: {} } }),
        ...(columns.length === 0 ? {} : { additionalPrinterColumns: columns }),
        schema: { openAPIV3Schema: rootSchema(blueprint) },
      })),
    },
  };
}

function rootSchema({ description, spec, status, isSpecRequired }: CrdBlueprint): Schema {
  const properties = {
    apiVersion: { type: "string" },
    kind: { type: "string" },
    metadata: { type: "object" },
    spec,
    ...(status === undefined ? {} : { status }),
  } as const;
  const required = isSpecRequired === true ? { required: ["spec"] } : {};
  return { type: "object", description, properties, ...required };
}

function nonEmpty(lists: Readonly<Record<string, readonly string[]>>): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0));
}

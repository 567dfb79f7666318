import type { KindDefinition } from "../kind.ts";
import { apiVersionOf } from "../resource.ts";
import { int64, struct, text } from "../schema/build.ts";
import type { Schema } from "../schema/schema.ts";

const META = "io.k8s.apimachinery.pkg.apis.meta.v1.";

/** The name under which OpenAPI publishes a kind: its group's labels reversed, version, kind. Source: apiextensions `builder`. */
export function definitionNameOf(kind: KindDefinition): string {
  const own = kind.schema["x-serin-definition"];
  if (own !== undefined) return own;
  const { group, version, kind: name } = kind.resource;
  return [...group.split(".").reverse(), version, name].join(".");
}

/** The published name of a kind's list. */
export function listDefinitionNameOf(kind: KindDefinition): string {
  return `${definitionNameOf(kind)}List`;
}

/** What clients find a definition by. The order of the keys is the real server's. */
export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

export function groupVersionKindOf(kind: KindDefinition, name = kind.resource.kind): GroupVersionKind {
  return { group: kind.resource.group, version: kind.resource.version, kind: name };
}

/** Returns the path of a kind's collection: `/apis/apps/v1/namespaces/{namespace}/deployments`. */
export function collectionPathOf({ resource }: KindDefinition): string {
  const root = resource.group === "" ? `/api/${resource.version}` : `/apis/${apiVersionOf(resource)}`;
  return resource.namespaced ? `${root}/namespaces/{namespace}/${resource.plural}` : `${root}/${resource.plural}`;
}

const listMeta: Schema = struct(`${META}ListMeta`, {
  continue: text,
  remainingItemCount: int64,
  resourceVersion: text,
  selfLink: text,
});

/** A list of a kind: the items refer to the kind's own definition. */
export function listSchemaOf(kind: KindDefinition): Schema {
  const items = { ...kind.schema, "x-serin-definition": definitionNameOf(kind) };
  return struct(
    listDefinitionNameOf(kind),
    { apiVersion: text, items: { type: "array", items }, kind: text, metadata: listMeta },
    ["items"],
  );
}

/**
 * Collects every schema that has a published name, by that name, in order of the names: the kinds, their lists, and what
 * they are made of.
 */
export function collectDefinitions(kinds: readonly KindDefinition[]): ReadonlyMap<string, Schema> {
  const found = new Map<string, Schema>();
  const roots = new Set(kinds.map(definitionNameOf));
  const isRoot = (name: string): boolean => roots.has(name);
  const visit = (schema: Schema): void => {
    const name = schema["x-serin-definition"];
    if (name !== undefined) {
      if (found.has(name)) return;
      found.set(name, isRoot(name) ? schema : withoutPlace(schema));
    }
    for (const child of childrenOf(schema)) visit(child);
  };
  for (const kind of kinds) {
    visit({ ...kind.schema, "x-serin-definition": definitionNameOf(kind) });
    visit(listSchemaOf(kind));
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** What describes one use of a type is published there, not with the type. */
function withoutPlace(schema: Schema): Schema {
  const { description: _description, default: _default, ...rest } = schema;
  return rest;
}

function childrenOf(schema: Schema): readonly Schema[] {
  const rest = typeof schema.additionalProperties === "object" ? [schema.additionalProperties] : [];
  return [...Object.values(schema.properties ?? {}), ...rest, ...(schema.items === undefined ? [] : [schema.items])];
}

import type { Problem } from "#base";
import type { KindDefinition, ScalePaths } from "../kind.ts";
import type { KubeObject } from "../meta.ts";
import { struct } from "../schema/build.ts";
import { objectFields } from "../schema/meta-schema.ts";
import type { Schema } from "../schema/schema.ts";
import { builtinProblems } from "./builtin-problems.ts";
import { normalizeBuiltin } from "./normalize.ts";

/** One built-in kind, as the files of this folder write it. */
export interface BuiltinKind {
  readonly kind: string;
  readonly plural?: string;
  readonly isClusterScoped?: boolean;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly fields: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly scale?: ScalePaths;
  readonly complete?: (object: KubeObject, old: KubeObject | undefined) => KubeObject;
  /** Rules between fields and against the object before the change; they come after the rules of each struct. */
  readonly rules?: (object: KubeObject, old: KubeObject | undefined) => readonly Problem[];
}

/** A group and version, with the package under which OpenAPI names its types. */
export interface BuiltinGroup {
  readonly group: string;
  readonly version: string;
  readonly definitions: string;
}

/** Makes the definition that the API server serves. A kind with a `status` field has the status subresource. */
export function builtinKind(group: BuiltinGroup, kind: BuiltinKind): KindDefinition {
  const schema = struct(`${group.definitions}.${kind.kind}`, { ...objectFields, ...kind.fields }, kind.required);
  const singular = kind.kind.toLowerCase();
  const { complete, rules } = kind;
  return {
    resource: {
      group: group.group,
      version: group.version,
      kind: kind.kind,
      plural: kind.plural ?? `${singular}s`,
      namespaced: kind.isClusterScoped !== true,
    },
    singular,
    listKind: `${kind.kind}List`,
    shortNames: kind.shortNames ?? [],
    categories: kind.categories ?? [],
    schema,
    hasStatus: kind.fields.status !== undefined,
    ...(kind.scale === undefined ? {} : { scale: kind.scale }),
    origin: "builtin",
    complete: (object, old) => {
      // Normalizing keeps the shape, so the result is still the object that came in.
      const normal = normalizeBuiltin(schema, object) as KubeObject;
      return complete === undefined ? normal : complete(normal, old);
    },
    validate: (object, old) => [...builtinProblems(schema, object), ...(rules?.(object, old) ?? [])],
  };
}

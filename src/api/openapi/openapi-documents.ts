import type { KindDefinition } from "../kind.ts";
import { apiVersionOf } from "../resource.ts";
import { convertBody, type Dialect } from "./convert-schema.ts";
import {
  collectDefinitions,
  definitionNameOf,
  type GroupVersionKind,
  groupVersionKindOf,
  listDefinitionNameOf,
} from "./definitions.ts";
import { type PathWriter, pathsOf } from "./paths.ts";

type Document = Readonly<Record<string, unknown>>;

const INFO = { title: "Kubernetes", version: "v1.32.0" };
/** The meta type of patches, which has no fields to name. */
const PATCH = "io.k8s.apimachinery.pkg.apis.meta.v1.Patch";

/**
 * Makes the OpenAPI 3 document of one group and version, written `apps/v1`, or `v1` for the core group. Kinds of other
 * groups are left out; the caller may pass all that it serves.
 */
export function openApiV3Document(groupVersion: string, kinds: readonly KindDefinition[]): Document {
  const mine = kinds.filter(({ resource }) => apiVersionOf(resource) === groupVersion);
  return {
    openapi: "3.0.0",
    info: INFO,
    paths: pathsOf(mine, v3Writer),
    components: { schemas: schemasOf(mine, "v3") },
  };
}

/** Makes the OpenAPI 2 document of all kinds: what clients before 1.27 validate with, and what newer ones fall back to. */
export function openApiV2Document(kinds: readonly KindDefinition[]): Document {
  return { swagger: "2.0", info: INFO, paths: pathsOf(kinds, v2Writer), definitions: schemasOf(kinds, "v2") };
}

const v3Writer: PathWriter = {
  parameter: (name, type, place) => ({
    name,
    in: place,
    schema: { type, uniqueItems: true },
    ...(place === "path" ? { required: true } : {}),
  }),
  body: (definition, mediaTypes) => {
    const schema = { $ref: `#/components/schemas/${definition ?? PATCH}` };
    return {
      requestBody: { content: Object.fromEntries(mediaTypes.map((type) => [type, { schema }])), required: true },
    };
  },
  answer: (definition) => ({
    content: { "application/json": { schema: { $ref: `#/components/schemas/${definition}` } } },
  }),
};

const v2Writer: PathWriter = {
  parameter: (name, type, place) => ({
    name,
    in: place,
    type,
    uniqueItems: true,
    ...(place === "path" ? { required: true } : {}),
  }),
  body: (definition, mediaTypes) => ({
    consumes: mediaTypes,
    body: [{ name: "body", in: "body", required: true, schema: { $ref: `#/definitions/${definition ?? PATCH}` } }],
  }),
  answer: (definition) => ({ schema: { $ref: `#/definitions/${definition}` } }),
};

function schemasOf(kinds: readonly KindDefinition[], dialect: Dialect): Document {
  const owners = ownersOf(kinds);
  const schemas: [string, Document][] = [];
  for (const [name, schema] of collectDefinitions(kinds)) {
    const owner = owners.get(name);
    const body = convertBody(schema, dialect);
    schemas.push([name, owner === undefined ? body : { ...body, "x-kubernetes-group-version-kind": [owner] }]);
  }
  schemas.push([
    PATCH,
    { description: "A patch, in one of the languages of the request's content type.", type: "object" },
  ]);
  return Object.fromEntries(schemas);
}

function ownersOf(kinds: readonly KindDefinition[]): ReadonlyMap<string, GroupVersionKind> {
  return new Map(
    kinds.flatMap((kind) => [
      [definitionNameOf(kind), groupVersionKindOf(kind)] as const,
      [listDefinitionNameOf(kind), groupVersionKindOf(kind, kind.listKind)] as const,
    ]),
  );
}

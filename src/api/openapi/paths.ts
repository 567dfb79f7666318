import type { KindDefinition } from "../kind.ts";
import { collectionPathOf, definitionNameOf, groupVersionKindOf, listDefinitionNameOf } from "./definitions.ts";

type Document = Readonly<Record<string, unknown>>;

const WRITE_PARAMETERS = ["dryRun", "fieldManager", "fieldValidation"];
const LIST_PARAMETERS = [
  "allowWatchBookmarks",
  "continue",
  "fieldSelector",
  "labelSelector",
  "limit",
  "resourceVersion",
  "resourceVersionMatch",
  "sendInitialEvents",
  "timeoutSeconds",
  "watch",
];
const DELETE_PARAMETERS = ["dryRun", "gracePeriodSeconds", "orphanDependents", "propagationPolicy"];

const PARAMETER_TYPES: Readonly<Record<string, string>> = {
  allowWatchBookmarks: "boolean",
  force: "boolean",
  gracePeriodSeconds: "integer",
  limit: "integer",
  orphanDependents: "boolean",
  sendInitialEvents: "boolean",
  timeoutSeconds: "integer",
  watch: "boolean",
};

const PATCH_TYPES = [
  "application/apply-patch+yaml",
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
];

/** How a dialect of OpenAPI writes the parts of an operation. */
export interface PathWriter {
  readonly parameter: (name: string, type: string, place: "query" | "path") => Document;
  readonly body: (definition: string | undefined, mediaTypes: readonly string[]) => Document;
  readonly answer: (definition: string) => Document;
}

/**
 * Writes the collection and the item of each kind. kubectl reads from them which parameters a kind's PATCH takes (dry run,
 * field validation) and which kind a resource has.
 */
export function pathsOf(kinds: readonly KindDefinition[], write: PathWriter): Document {
  const paths = kinds.flatMap((kind) => {
    const collection = collectionPathOf(kind);
    return [
      [collection, collectionItem(kind, write)],
      [`${collection}/{name}`, objectItem(kind, write)],
    ] as const;
  });
  return Object.fromEntries(paths.sort(([a], [b]) => (a < b ? -1 : 1)));
}

interface Operation {
  readonly action: string;
  readonly parameters: readonly string[];
  readonly body?: Document;
  readonly answer: string;
}

function operation(kind: KindDefinition, write: PathWriter, { action, parameters, body, answer }: Operation): Document {
  const { body: bodyParameters, ...requestBody } = body ?? {};
  const inBody = Array.isArray(bodyParameters) ? bodyParameters : [];
  return {
    operationId: `${action}${kind.resource.namespaced ? "Namespaced" : ""}${kind.resource.kind}`,
    parameters: [
      ...inBody,
      ...parameters.map((name) => write.parameter(name, PARAMETER_TYPES[name] ?? "string", "query")),
    ],
    ...requestBody,
    responses: { "200": { description: "OK", ...write.answer(answer) } },
    "x-kubernetes-action": action,
    "x-kubernetes-group-version-kind": groupVersionKindOf(kind),
  };
}

function collectionItem(kind: KindDefinition, write: PathWriter): Document {
  const name = definitionNameOf(kind);
  return {
    get: operation(kind, write, { action: "list", parameters: LIST_PARAMETERS, answer: listDefinitionNameOf(kind) }),
    post: operation(kind, write, {
      action: "post",
      parameters: WRITE_PARAMETERS,
      body: write.body(name, ["*/*"]),
      answer: name,
    }),
    delete: operation(kind, write, {
      action: "deletecollection",
      parameters: [...LIST_PARAMETERS, ...DELETE_PARAMETERS],
      answer: name,
    }),
    parameters: placeParameters(kind, write, []),
  };
}

function objectItem(kind: KindDefinition, write: PathWriter): Document {
  const name = definitionNameOf(kind);
  const patchTypes = kind.origin === "crd" ? PATCH_TYPES.filter((type) => !type.includes("strategic")) : PATCH_TYPES;
  return {
    get: operation(kind, write, { action: "get", parameters: [], answer: name }),
    put: operation(kind, write, {
      action: "put",
      parameters: WRITE_PARAMETERS,
      body: write.body(name, ["*/*"]),
      answer: name,
    }),
    patch: operation(kind, write, {
      action: "patch",
      parameters: [...WRITE_PARAMETERS, "force"],
      body: write.body(undefined, patchTypes),
      answer: name,
    }),
    delete: operation(kind, write, { action: "delete", parameters: DELETE_PARAMETERS, answer: name }),
    parameters: placeParameters(kind, write, ["name"]),
  };
}

function placeParameters(kind: KindDefinition, write: PathWriter, names: readonly string[]): readonly Document[] {
  const all = kind.resource.namespaced ? [...names, "namespace"] : names;
  return all.map((name) => write.parameter(name, "string", "path"));
}

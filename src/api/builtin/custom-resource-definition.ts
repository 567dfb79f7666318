import { isObject } from "#base";
import { validateCrd } from "../crd/validate-crd.ts";
import type { KindDefinition } from "../kind.ts";
import type { KubeObject } from "../meta.ts";
import { anyObject, bool, bytes, int32, int64, listOf, mapListOf, struct, text, time } from "../schema/build.ts";
import { type BuiltinGroup, builtinKind } from "./builtin-kind.ts";
import { updateAt } from "./complete-pod.ts";
import type { Fields } from "./struct-fields.ts";

/** CustomResourceDefinition. Source: `apiextensions.k8s.io/v1` types and defaults. */

const group: BuiltinGroup = {
  group: "apiextensions.k8s.io",
  version: "v1",
  definitions: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1",
};
const apiextensions = (name: string): string => `${group.definitions}.${name}`;

const names = struct(apiextensions("CustomResourceDefinitionNames"), {
  plural: text,
  singular: text,
  shortNames: listOf(text),
  kind: text,
  listKind: text,
  categories: listOf(text),
});

const column = struct(apiextensions("CustomResourceColumnDefinition"), {
  name: text,
  type: text,
  format: text,
  description: text,
  priority: int32,
  jsonPath: text,
});

const version = struct(apiextensions("CustomResourceDefinitionVersion"), {
  name: text,
  served: bool,
  storage: bool,
  deprecated: bool,
  deprecationWarning: text,
  schema: struct(apiextensions("CustomResourceValidation"), {
    openAPIV3Schema: { ...anyObject, "x-serin-definition": apiextensions("JSONSchemaProps") },
  }),
  subresources: struct(apiextensions("CustomResourceSubresources"), {
    status: { ...anyObject, "x-serin-definition": apiextensions("CustomResourceSubresourceStatus") },
    scale: struct(apiextensions("CustomResourceSubresourceScale"), {
      specReplicasPath: text,
      statusReplicasPath: text,
      labelSelectorPath: text,
    }),
  }),
  additionalPrinterColumns: listOf(column),
  selectableFields: listOf(struct(apiextensions("SelectableField"), { jsonPath: text })),
});

const conversion = struct(apiextensions("CustomResourceConversion"), {
  strategy: text,
  webhook: struct(apiextensions("WebhookConversion"), {
    clientConfig: struct(apiextensions("WebhookClientConfig"), {
      url: text,
      service: struct(apiextensions("ServiceReference"), { namespace: text, name: text, path: text, port: int32 }),
      caBundle: bytes,
    }),
    conversionReviewVersions: listOf(text),
  }),
});

const condition = struct(apiextensions("CustomResourceDefinitionCondition"), {
  type: text,
  status: text,
  lastTransitionTime: time,
  reason: text,
  message: text,
  observedGeneration: int64,
});

/** Fills in the names that follow from the kind. Source: `SetDefaults_CustomResourceDefinitionSpec`. */
function completeSpec(spec: Fields): Fields {
  const { preserveUnknownFields, ...rest } = spec;
  const kept = preserveUnknownFields === true ? { preserveUnknownFields } : {};
  const given: Fields = isObject(spec.names) ? spec.names : {};
  const kind = typeof given.kind === "string" ? given.kind : "";
  const derived = kind === "" ? {} : { singular: kind.toLowerCase(), listKind: `${kind}List` };
  return { ...rest, ...kept, names: { ...derived, ...given }, conversion: spec.conversion ?? { strategy: "None" } };
}

/** The kind that defines kinds. Its `validate` holds all of {@link validateCrd}. */
export const customResourceDefinitionKind: KindDefinition = builtinKind(group, {
  kind: "CustomResourceDefinition",
  isClusterScoped: true,
  shortNames: ["crd", "crds"],
  categories: ["api-extensions"],
  fields: {
    spec: struct(apiextensions("CustomResourceDefinitionSpec"), {
      group: text,
      names,
      scope: text,
      versions: listOf(version),
      conversion,
      preserveUnknownFields: bool,
    }),
    status: struct(apiextensions("CustomResourceDefinitionStatus"), {
      conditions: mapListOf(["type"], condition),
      acceptedNames: names,
      storedVersions: listOf(text),
      observedGeneration: int64,
    }),
  },
  complete: (object: KubeObject): KubeObject => updateAt(object, ["spec"], completeSpec),
  rules: validateCrd,
});

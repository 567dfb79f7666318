export type * from "./apps.ts";
export type * from "./autoscaling.ts";
export { builtinKinds, scaleSchema } from "./builtin/builtin-kinds.ts";
export { conditionOf, type ConditionUpdate, isConditionTrue, setCondition } from "./conditions.ts";
export type * from "./core.ts";
export { flaggerCrds } from "./crd/flagger-crds.ts";
export { gatewayCrds } from "./crd/gateway-crds.ts";
export { httpRouteSpec } from "./crd/gateway-http-route.ts";
export { istioCrds } from "./crd/istio-crds.ts";
export { kedaCrds } from "./crd/keda-crds.ts";
export { kindsFromCrd } from "./crd/kinds-from-crd.ts";
export { validateCrd } from "./crd/validate-crd.ts";
export type * from "./istio/index.ts";
export type * from "./keda/index.ts";
export type * from "./flagger/index.ts";
export type * from "./gateway/index.ts";
export type { KindDefinition, PrinterColumn, ScalePaths } from "./kind.ts";
export type * from "./meta.ts";
export type * from "./networking.ts";
export { controllerOf, isControlledBy, keyOf, ownerReferenceTo, splitKey } from "./object-builders.ts";
export { encodeOpenApiV2Protobuf } from "./openapi/encode-v2.ts";
export { openApiV2Document, openApiV3Document } from "./openapi/openapi-documents.ts";
export { ProtobufWriter } from "./protobuf-writer.ts";
export { canonicalQuantity, quantityOfMilli } from "./quantity-text.ts";
export { apiVersionOf, type Resource, resources } from "./resource.ts";
export { applyDefaults } from "./schema/apply-defaults.ts";
export { decodeProblems } from "./schema/decode-problems.ts";
export { objectMeta as objectMetaSchema } from "./schema/meta-schema.ts";
export { pruneUnknown, type Pruned } from "./schema/prune-unknown.ts";
export type { Schema } from "./schema/schema.ts";
export { validateSchema, type ValidateOptions } from "./schema/validate-schema.ts";
export { formatSelector, matchesLabels, matchesSelector } from "./selector.ts";
export {
  type FieldCode,
  unsupportedField,
  invalidField,
  requiredField,
  forbiddenField,
} from "./validation/field-problem.ts";
export { dns1035Label, dnsLabel, dnsSubdomain, labelValue, type NameCheck, qualifiedName } from "./validation/names.ts";
export { validateObjectMeta, type ObjectMetaOptions } from "./validation/object-meta.ts";

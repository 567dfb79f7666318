export type * from "./apps.ts";
export type * from "./autoscaling.ts";
export type * from "./core.ts";
export type { KindDefinition, PrinterColumn, ScalePaths } from "./kind.ts";
export type * from "./meta.ts";
export { apiVersionOf, type Resource, resources } from "./resource.ts";
export type { Schema } from "./schema/schema.ts";
export { formatSelector, matchesLabels, matchesSelector } from "./selector.ts";

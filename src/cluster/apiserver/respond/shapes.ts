import type { KubeObject, ListMeta } from "#api";
import type { Endpoint } from "../registry/endpoint.ts";
import { toTable } from "../table/index.ts";

/** Source: apimachinery `metav1.PartialObjectMetadata`. */
export function partialMetadata(object: KubeObject): object {
  return { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: object.metadata };
}

export interface TableInput {
  readonly endpoint: Endpoint;
  readonly objects: readonly KubeObject[];
  readonly metadata: ListMeta;
  /** `None`, `Metadata` (when absent) or `Object`. */
  readonly includeObject: string | undefined;
  readonly nowMs: number;
}

/** Renders objects as the rows that kubectl prints. */
export function tableOf({ endpoint, objects, metadata, includeObject, nowMs }: TableInput): object {
  const include = includeObject === "None" || includeObject === "Object" ? includeObject : "Metadata";
  return toTable({ kind: endpoint.kind, objects, includeObject: include, nowMs, listMeta: metadata });
}

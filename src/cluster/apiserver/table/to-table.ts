import type { KindDefinition, KubeObject } from "#api";
import { builtinPrinter } from "./builtin-printers.ts";
import { customPrinter } from "./custom-printer.ts";
import type { Cell, Column, Printer } from "./printer.ts";

/** How much of the object a row carries besides its cells. */
export type IncludeObject = "None" | "Metadata" | "Object";

export interface ToTableOptions {
  readonly kind: KindDefinition;
  readonly objects: readonly KubeObject[];
  readonly includeObject: IncludeObject;
  /** For ages. */
  readonly nowMs: number;
  /** `metadata` of the Table: that of the list, or the resourceVersion of the one object. */
  readonly listMeta: object;
}

/** A list as rows and columns, which kubectl prints. Source: apimachinery `metav1.Table`. */
export interface Table {
  readonly kind: "Table";
  readonly apiVersion: "meta.k8s.io/v1";
  readonly metadata: object;
  readonly columnDefinitions: readonly Column[];
  readonly rows: readonly TableRow[];
}

export interface TableRow {
  readonly cells: readonly Cell[];
  readonly object: object | null;
}

/** Shows objects as a Table, in the columns that a real server gives their kind. */
export function toTable({ kind, objects, includeObject, nowMs, listMeta }: ToTableOptions): Table {
  const printer = printerOf(kind);
  return {
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata: listMeta,
    columnDefinitions: printer.columns,
    rows: objects.map((object) => ({
      cells: printer.cells(object, nowMs),
      object: rowObject(object, includeObject),
    })),
  };
}

function printerOf(kind: KindDefinition): Printer {
  return kind.origin === "crd" ? customPrinter(kind.columns ?? []) : builtinPrinter(kind.resource);
}

function rowObject(object: KubeObject, include: IncludeObject): object | null {
  if (include === "None") return null;
  if (include === "Object") return object;
  return { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: object.metadata };
}

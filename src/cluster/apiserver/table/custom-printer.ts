import type { KubeObject, PrinterColumn } from "#api";
import { formatAge } from "#base";
import { evaluateJsonPath, parseJsonPath } from "./json-path.ts";
import { type Cell, type Column, nameColumn, nameOf, type Printer } from "./printer.ts";

/** Columns of a custom resource that declares none. Source: apiextensions `tableconvertor`. */
const defaultColumns: readonly PrinterColumn[] = [
  {
    name: "Age",
    type: "date",
    description: "Time since the object was created.",
    jsonPath: ".metadata.creationTimestamp",
  },
];

/**
 * The printer of a custom resource: its name and the columns its definition declares. A path that leads nowhere, or that cannot be
 * read, leaves its cell empty.
 */
export function customPrinter(declared: readonly PrinterColumn[]): Printer {
  const columns = (declared.length === 0 ? defaultColumns : declared).map((column) => ({
    definition: definitionOf(column),
    path: parseJsonPath(column.jsonPath),
  }));
  return {
    columns: [nameColumn, ...columns.map((column) => column.definition)],
    cells: (object: KubeObject, nowMs: number): readonly Cell[] => [
      nameOf(object),
      ...columns.map(({ definition, path }) => {
        const value = path === undefined ? undefined : evaluateJsonPath(path, object)[0];
        return cellOf(definition.type, value, nowMs);
      }),
    ],
  };
}

function definitionOf(column: PrinterColumn): Column {
  return {
    name: column.name,
    type: column.type,
    format: column.format ?? "",
    description: column.description ?? `Custom resource definition column (in JSONPath format): ${column.jsonPath}`,
    priority: column.priority ?? 0,
  };
}

/** A value as its column's type; null when it is of another one. Source: apiextensions `tableconvertor.cellForJSONValue`. */
function cellOf(type: Column["type"], value: unknown, nowMs: number): Cell {
  if (value === undefined || value === null) return null;
  switch (type) {
    case "string":
      return typeof value === "string" ? value : JSON.stringify(value);
    case "integer":
      return typeof value === "number" ? Math.trunc(value) : null;
    case "number":
      return typeof value === "number" ? value : null;
    case "boolean":
      return typeof value === "boolean" ? value : null;
    case "date":
      return typeof value === "string" ? dateCell(value, nowMs) : null;
  }
}

function dateCell(time: string, nowMs: number): string {
  const thenMs = Date.parse(time);
  return Number.isNaN(thenMs) ? "<invalid>" : formatAge(nowMs - thenMs);
}

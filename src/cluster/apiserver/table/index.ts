export { type IncludeObject, type Table, type TableRow, type ToTableOptions, toTable } from "./to-table.ts";

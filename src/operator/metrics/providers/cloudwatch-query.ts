import type { MetricDataQuery } from "@aws-sdk/client-cloudwatch";
import { err, isObject, ok, type Result } from "#base";
import { parseJson } from "./http-call.ts";
import { shown } from "./samples.ts";

type Kind = "text" | "number" | "boolean" | "object" | "list";

/** Every field of a `MetricDataQuery` and of what it holds. Source: CloudWatch API reference, "MetricDataQuery". */
const FIELDS: Readonly<Record<string, Kind>> = {
  Id: "text",
  Expression: "text",
  Label: "text",
  AccountId: "text",
  ReturnData: "boolean",
  Period: "number",
  MetricStat: "object",
  Metric: "object",
  Namespace: "text",
  MetricName: "text",
  Dimensions: "list",
  Name: "text",
  Value: "text",
  Stat: "text",
  Unit: "text",
};
/** Go, and with it Flagger, reads the names of fields without regard to case. */
const NAMES = new Map(Object.keys(FIELDS).map((name) => [name.toLowerCase(), name]));

/** `query[0].MetricStat.Metric.Dimensions[0]` is as deep as it goes. */
const MAX_DEPTH = 4;

/** Reads the query of a template: a JSON array of `MetricDataQuery`. */
export function parseCloudWatchQuery(text: string): Result<readonly MetricDataQuery[], string> {
  const queries = parseJson(text);
  if (!Array.isArray(queries) || queries.length === 0)
    return err('the query must be a JSON array of MetricDataQuery, such as [{"Id": "m1", "MetricStat": {…}}]');
  const decoded = decodeList(queries, "query");
  // The walk below has checked names and kinds of all fields.
  return decoded.ok ? ok(decoded.value as readonly MetricDataQuery[]) : decoded;
}

function decodeList(items: readonly unknown[], path: string): Result<readonly unknown[], string> {
  const decoded: unknown[] = [];
  for (const [index, item] of items.entries()) {
    const entry = decodeObject(item, `${path}[${index}]`);
    if (!entry.ok) return entry;
    decoded.push(entry.value);
  }
  return ok(decoded);
}

function decodeObject(value: unknown, path: string): Result<Readonly<Record<string, unknown>>, string> {
  if (!isObject(value)) return err(`${path} must be an object, received ${shown(value)}`);
  if (path.split(".").length > MAX_DEPTH) return err(`${path} is nested too deep for a MetricDataQuery`);
  const decoded: Record<string, unknown> = {};
  for (const [written, entry] of Object.entries(value)) {
    const name = NAMES.get(written.toLowerCase());
    const kind = name === undefined ? undefined : FIELDS[name];
    if (name === undefined || kind === undefined)
      return err(`${path} has the unknown field "${written}"; known are ${Object.keys(FIELDS).join(", ")}`);
    const field = decodeField(entry, { kind, path: `${path}.${name}` });
    if (!field.ok) return field;
    decoded[name] = field.value;
  }
  return ok(decoded);
}

function decodeField(value: unknown, { kind, path }: { kind: Kind; path: string }): Result<unknown, string> {
  if (kind === "object") return decodeObject(value, path);
  if (kind === "list") return Array.isArray(value) ? decodeList(value, path) : err(`${path} must be an array`);
  const wanted = kind === "text" ? "string" : kind;
  return typeof value === wanted ? ok(value) : err(`${path} must be a ${wanted}, received ${shown(value)}`);
}

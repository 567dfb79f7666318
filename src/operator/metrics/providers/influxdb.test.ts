import { expect, test } from "vitest";
import { parseCsv } from "./csv.ts";
import { influxSource } from "./influxdb.ts";
import { askOf, probeOf, withSecret } from "./recording-server.ts";

const source = influxSource();
const keys = withSecret("influxdb", { token: "tok-1", org: "shop" });

/** Annotated CSV with one section for each list of values. */
function tables(type: string, ...lists: string[][]): string {
  return lists
    .map((values, table) =>
      [
        `#datatype,string,long,${type},string`,
        ",result,table,_value,host",
        ...values.map((value) => `,_result,${table},${value},"a, ""b"""`),
        "",
        "",
      ].join("\r\n"),
    )
    .join("");
}

test("influxdb: posts Flux with token and organisation", async () => {
  const { requests } = await askOf(source, { body: "" }, { ...keys, query: 'from(bucket: "b")' });
  expect(requests[0]).toMatchObject({
    method: "POST",
    path: "/api/v2/query",
    query: { org: "shop" },
    headers: { authorization: "Token tok-1", "content-type": "application/json" },
  });
  expect(JSON.parse(requests[0]?.body ?? "")).toEqual({
    query: 'from(bucket: "b")',
    type: "flux",
    dialect: { header: true, delimiter: ",", annotations: ["datatype"] },
  });
});

test("influxdb: without a Secret it asks without a login; a Secret needs token and org (pinned 49)", async () => {
  const { requests } = await askOf(source, { body: "" }, { provider: { type: "influxdb" } });
  expect(requests[0]?.headers.authorization).toBeUndefined();
  for (const [data, missing] of [
    [{ org: "o" }, "token"],
    [{ token: "t" }, "org"],
  ] as const) {
    const { result } = await askOf(source, { body: "" }, withSecret("influxdb", data));
    expect(result).toEqual({ kind: "error", message: expect.stringContaining(`has no "${missing}"`) });
  }
});

test.each([
  ["the first record", tables("double", ["1.5", "9"]), { kind: "value", value: 1.5 }],
  ["the first record with a value", tables("double", ["", "9"]), { kind: "value", value: 9 }],
  ["an integer", tables("long", ["12"]), { kind: "value", value: 12 }],
  ["infinity", tables("double", ["+Inf"]), { kind: "value", value: Number.POSITIVE_INFINITY }],
  ["zero", tables("double", ["0"]), { kind: "zero" }],
  ["no record is empty and not 0 (pinned 49)", "", { kind: "empty" }],
  ["a blank answer", "\r\n", { kind: "empty" }],
  ["a table without records", tables("double", []), { kind: "empty" }],
  ["a record without value", tables("double", [""]), { kind: "empty" }],
  ["NaN", tables("double", ["NaN"]), { kind: "empty" }],
  ["several series", tables("double", ["1"], ["2"]), { kind: "error", message: expect.stringContaining("2 series") }],
  ["a text", tables("string", ["on"]), { kind: "error", message: expect.stringContaining("gives a string") }],
  [
    "no column _value",
    ",result,table,x\r\n,_result,0,1\r\n",
    { kind: "error", message: expect.stringContaining('"_value"') },
  ],
  [
    "a failure behind records",
    `${tables("double", ["1"])}#datatype,string,string\r\n,error,reference\r\n,"engine: out of memory, sorry",897\r\n`,
    { kind: "error", message: "InfluxDB stopped the query: engine: out of memory, sorry" },
  ],
])("influxdb: %s", async (_, body, expected) => {
  expect((await askOf(source, { body }, keys)).result).toEqual(expected);
});

test.each([
  [400, { code: "invalid", message: "error @1:1-1:5: undefined identifier" }, "error"],
  [404, { code: "not found", message: 'could not find bucket "b"' }, "error"],
  [404, "404 page not found", "unreachable"],
  [401, { code: "unauthorized", message: "unauthorized access" }, "unreachable"],
])("influxdb: %i %j is %s", async (status, body, kind) => {
  const { result } = await askOf(source, { status, body }, keys);
  const words = typeof body === "string" ? body : body.message;
  expect(result).toEqual({ kind, message: `InfluxDB answered ${status}: ${words}` });
});

test("influxdb: the probe asks for any bucket (pinned 49)", async () => {
  const good = await probeOf(source, { body: ",result,table,name\r\n,_result,0,b\r\n" }, keys);
  expect(good.problem).toBeUndefined();
  expect(JSON.parse(good.requests[0]?.body ?? "")).toMatchObject({ query: "buckets() |> limit(n: 1)" });
  const stopped = await probeOf(source, { body: "error,reference\r\nno engine,1\r\n" }, keys);
  expect(stopped.problem).toBe("InfluxDB stopped the query: no engine");
  expect((await probeOf(source, { status: 503 }, keys)).problem).toContain("InfluxDB answered 503");
});

test.each([
  ["a,b\r\nc,\n", [["a", "b"], ["c", ""]]], // biome-ignore format: rows
  ['"x ""y"", z",1', [['x "y", z', "1"]]],
  ['"two\r\nlines",\r\n\r\n', [["two\r\nlines", ""], [""]]],
  ["a,", [["a", ""]]],
  ["", []],
  ['a\r\n"open', undefined],
  ['"closed"early,1', undefined],
])("parseCsv: %j", (text, rows) => {
  expect(parseCsv(text)).toEqual(rows);
});

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { mysqlTrigger } from "../../../src/cluster/autoscale/triggers/mysql/mysql.ts";
import type { TriggerCase } from "../../../src/cluster/autoscale/triggers/testing/trigger-fixture.ts";
import { findMariadb, MARIADB_PASSWORD, type MariadbServer, startMariadb } from "./mariadb-server.ts";
import { sqlProbe, withSilentServer } from "./sql-probe.ts";

const found = findMariadb();
if ("missing" in found) console.warn(`skipping the mysql trigger: ${found.missing}`);

let server: MariadbServer;
let plainServer: MariadbServer;
const { build, close, outcomeOf, read, warningsOf } = sqlProbe(mysqlTrigger, { query: "SELECT 7", queryValue: "5" });

beforeAll(async () => {
  if ("missing" in found) return;
  server = await startMariadb(found.path);
  plainServer = await startMariadb(found.path, { hasTls: false });
});
afterAll(async () => {
  await close();
  await Promise.all([server?.remove(), plainServer?.remove()]);
});

function parts(metadata: Readonly<Record<string, string>> = {}): Partial<TriggerCase> {
  const own = { host: "db.shop", port: String(server.port), username: "keda", dbName: "shop" };
  return { metadata: { ...own, ...metadata }, auth: { password: MARIADB_PASSWORD } };
}

async function query(text: string): Promise<unknown> {
  return outcomeOf(await build(parts({ query: text })));
}

describe.skipIf("missing" in found)("with a server", () => {
  test("mysql reads a query's number, and is active above the activation threshold only", async () => {
    const trigger = await build(parts({ activationQueryValue: "6.5" }));
    const metric = { name: "mysql-shop", target: 5, targetType: "AverageValue", isWhole: true };
    expect(await read(trigger)).toEqual({ metric, values: [7], isActive: true });
    const idle = await build({ ...parts({ activationQueryValue: "7", queryValue: "2.5" }), metricType: "Value" });
    const other = { name: "mysql-shop", target: 2.5, targetType: "Value", isWhole: false };
    expect(await read(idle)).toEqual({ metric: other, values: [7], isActive: false });
  });

  test.each<[string, readonly number[]]>([
    ["SELECT COUNT(*) FROM seq_1_to_12", [12]],
    ["SELECT 0.125", [0.125]],
    ["SELECT 1.5e0", [1.5]],
    ["SELECT CAST(9007199254740993 AS UNSIGNED)", [9007199254740992]],
    ["SELECT '8'", [8]],
    ["SELECT seq FROM seq_3_to_5000 ORDER BY seq", [3]],
    ["SELECT true", [1]],
  ])("mysql: %s", async (text, expected) => {
    expect(await query(text)).toEqual(expected);
  });

  test.each([
    ["SELECT 1 FROM DUAL WHERE false", "the query gives no row; let it always give one, for example with count(*)"],
    ["DO 1", "the query gives no row; let it always give one, for example with count(*)"],
    ["SELECT NULL", "the query gives NULL; give a number instead, for example with coalesce(…, 0)"],
    ["SELECT 'many'", 'the query gives "many", which is no number; select a numeric column'],
    ["SELECT 1, 2", "the query gives 2 columns; select the one number alone"],
    ["SELECT n FROM nowhere", "Table 'shop.nowhere' doesn't exist"],
  ])("mysql: %s has no value", async (text, expected) => {
    expect(await query(text)).toBe(`Cannot query mysql "db.shop:${server.port}/shop": ${expected}`);
  });

  test("mysql runs one statement and no more", async () => {
    expect(await query("SELECT 1; SELECT 2")).toMatch(/You have an error in your SQL syntax/);
  });

  test("mysql: a hostile query cannot read files of this machine", async () => {
    await query("CREATE TABLE IF NOT EXISTS taken (t TEXT)");
    expect(await query("LOAD DATA LOCAL INFILE '/etc/hostname' INTO TABLE taken")).toMatch(/Cannot query mysql/);
    expect(await query("SELECT COUNT(*) FROM taken")).toEqual([0]);
  });

  const dsn = (rest: string) => `keda:${MARIADB_PASSWORD}@tcp(db.shop:${server.port})/${rest}`;
  const isEncrypted =
    "SELECT VARIABLE_VALUE <> '' FROM information_schema.SESSION_STATUS WHERE VARIABLE_NAME = 'SSL_CIPHER'";

  test("mysql: the metric is named after the database alone, not after what follows it", async () => {
    const trigger = await build({ auth: { connectionString: dsn("shop?parseTime=true&sql_mode=%27ANSI%27") } });
    expect((await read(trigger)).metric.name).toBe("mysql-shop");
  });

  test("mysql: parameters that the driver does not know are variables of the session", async () => {
    const auth = { connectionString: dsn("shop?max_statement_time=7") };
    const trigger = await build({ metadata: { query: "SELECT @@max_statement_time" }, auth });
    expect((await read(trigger)).values).toEqual([7]);
  });

  test("mysql connects by a socket", async () => {
    const auth = { connectionString: `keda:${MARIADB_PASSWORD}@unix(${server.socketPath})/shop` };
    expect((await read(await build({ auth }))).values).toEqual([7]);
  });

  test.each<[string, number | string]>([
    ["false", 0],
    ["skip-verify", 1],
    ["preferred", 1],
    ["true", "unable to verify the first certificate"],
  ])("mysql: tls=%s gives %s", async (tls, expected) => {
    const result = build({ metadata: { query: isEncrypted }, auth: { connectionString: dsn(`shop?tls=${tls}`) } }).then(
      read,
    );
    if (typeof expected === "number") expect((await result).values).toEqual([expected]);
    else await expect(result).rejects.toThrow(expected);
  });

  test("mysql: without TLS on the server, preferred goes without and skip-verify fails", async () => {
    const auth = (tls: string) => ({
      connectionString: `keda:${MARIADB_PASSWORD}@tcp(127.0.0.1:${plainServer.port})/shop?tls=${tls}`,
    });
    expect((await read(await build({ metadata: { query: isEncrypted }, auth: auth("preferred") }))).values).toEqual([
      0,
    ]);
    await expect(build({ auth: auth("skip-verify") })).rejects.toThrow(/Server does not support secure connection$/);
  });

  test("mysql: a wrong password, and a database that is not there, fail the build and tell no secret", async () => {
    const wrong = await build({ ...parts(), auth: { password: "verraten" } }).catch((thrown: unknown) => thrown);
    expect(wrong).toMatchObject({
      code: "TriggerUnreadable",
      message: expect.stringContaining("Access denied for user 'keda'"),
    });
    expect(String(wrong)).not.toContain("verraten");
    await expect(build(parts({ dbName: "nowhere" }))).rejects.toThrow("Unknown database 'nowhere'");
  });

  test("mysql: a query without an answer ends after the timeout, and the next read is served", async () => {
    const trigger = await build(parts({ query: "SELECT SLEEP(20)" }), 400);
    const startMs = Date.now();
    await expect(read(trigger)).rejects.toThrow("no answer within 400ms");
    await expect(read(trigger)).rejects.toThrow("no answer within 400ms");
    expect(Date.now() - startMs).toBeLessThan(3_000);
  });

  test("mysql: an answer without end is cut off", async () => {
    expect(await query("SELECT REPEAT('x', 1000) FROM seq_1_to_3000000")).toMatch(
      /: the answer is longer than 4194304 bytes$/,
    );
  });

  test("mysql: many reads over one connection leave nothing behind on it", async () => {
    expect(await warningsOf(await build(parts()))).toEqual([]);
  });

  test("mysql: close leaves no connection behind", async () => {
    const trigger = await build(parts({ query: "SELECT CONNECTION_ID()" }));
    const [id] = (await read(trigger)).values;
    const watcher = await build(
      parts({ query: `SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = ${id}` }),
    );
    expect((await read(watcher)).values).toEqual([1]);
    await trigger.close();
    await expect.poll(async () => (await read(watcher)).values).toEqual([0]);
    await expect(read(trigger)).rejects.toThrow("it was given up");
  });

  test("mysql: a server that went away while idle fails reads, and serves them when it is back", async () => {
    const trigger = await build(parts());
    expect((await read(trigger)).values).toEqual([7]);
    await server.stop();
    await expect(read(trigger)).rejects.toMatchObject({ code: "TriggerUnreadable", retryable: true });
    await expect(build(parts())).rejects.toThrow("ECONNREFUSED");
    await server.start();
    const values = () =>
      read(trigger).then(
        (reading) => reading.values,
        () => [],
      );
    await expect.poll(values, { timeout: 10_000 }).toEqual([7]);
  });
});

test("mysql: a server that takes the connection and says nothing fails the build in time", async () => {
  await withSilentServer(async (port) => {
    const auth = { connectionString: `me@tcp(127.0.0.1:${port})/shop` };
    await expect(build({ auth }, 300)).rejects.toThrow("no answer within 300ms");
  });
});

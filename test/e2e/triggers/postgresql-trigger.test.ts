import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { postgresqlTrigger } from "../../../src/cluster/autoscale/triggers/postgresql/postgresql.ts";
import type { TriggerCase } from "../../../src/cluster/autoscale/triggers/testing/trigger-fixture.ts";
import { findPostgres, POSTGRES_PASSWORD, type PostgresServer, startPostgres } from "./postgres-server.ts";
import { sqlProbe, withSilentServer } from "./sql-probe.ts";

const found = findPostgres();
if ("missing" in found) console.warn(`skipping the postgresql trigger: ${found.missing}`);

let server: PostgresServer;
const { build, close, outcomeOf, read, warningsOf } = sqlProbe(postgresqlTrigger, {
  query: "SELECT 7",
  targetQueryValue: "5",
});

beforeAll(async () => {
  if ("path" in found) server = await startPostgres(found.path);
});
afterAll(async () => {
  await close();
  await server?.remove();
});

function parts(metadata: Readonly<Record<string, string>> = {}): Partial<TriggerCase> {
  const own = { host: "db.shop", port: String(server.port), userName: "keda", dbName: "postgres", sslmode: "disable" };
  return { metadata: { ...own, ...metadata }, auth: { password: POSTGRES_PASSWORD } };
}

async function query(text: string): Promise<unknown> {
  return outcomeOf(await build(parts({ query: text })));
}

describe.skipIf("missing" in found)("with a server", () => {
  test("postgresql reads a query's number, and is active above the activation threshold only", async () => {
    const trigger = await build(parts({ activationTargetQueryValue: "6.5" }));
    const metric = { name: "postgresql", target: 5, targetType: "AverageValue", isWhole: true };
    expect(await read(trigger)).toEqual({ metric, values: [7], isActive: true });
    const idle = await build({
      ...parts({ activationTargetQueryValue: "7", targetQueryValue: "2.5" }),
      metricType: "Value",
    });
    const other = { name: "postgresql", target: 2.5, targetType: "Value", isWhole: false };
    expect(await read(idle)).toEqual({ metric: other, values: [7], isActive: false });
  });

  test.each<[string, readonly number[]]>([
    ["SELECT 7::smallint", [7]],
    ["SELECT count(*) FROM generate_series(1, 12)", [12]],
    ["SELECT 0.125::numeric", [0.125]],
    ["SELECT 1.5::float8", [1.5]],
    ["SELECT 1.5::real", [1.5]],
    ["SELECT 'NaN'::numeric", [Number.NaN]],
    ["SELECT '8'::text", [8]],
    ["SELECT n FROM generate_series(3, 5000) AS n ORDER BY n", [3]],
    ["WITH a AS (SELECT 4 AS n) SELECT n FROM a;", [4]],
  ])("postgresql: %s", async (text, expected) => {
    expect(await query(text)).toEqual(expected);
  });

  test.each([
    ["SELECT 1 WHERE false", "the query gives no row; let it always give one, for example with count(*)"],
    ["SELECT NULL::int", "the query gives NULL; give a number instead, for example with coalesce(…, 0)"],
    ["SELECT 'many'", 'the query gives "many", which is no number; select a numeric column'],
    ["SELECT true", 'the query gives "t", which is no number; select a numeric column'],
    ["SELECT 1, 2", "the query gives 2 columns; select the one number alone"],
    ["SELECT", "the query gives 0 columns; select the one number alone"],
    ["SELECT 1; SELECT 2", "cannot insert multiple commands into a prepared statement"],
    ["SELECT n FROM nowhere", 'relation "nowhere" does not exist'],
  ])("postgresql: %s has no value", async (text, expected) => {
    expect(await query(text)).toBe(`Cannot query postgresql "db.shop:${server.port}/postgres": ${expected}`);
  });

  test("postgresql: a query that failed is no end of the trigger", async () => {
    const trigger = await build(
      parts({ query: "SELECT 10 / (random() < 2)::int / (SELECT count(*) FROM pg_tables WHERE tablename = 'late')" }),
    );
    await expect(read(trigger)).rejects.toThrow("division by zero");
    const maker = await build(parts({ query: "CREATE TABLE late (n int)" }));
    await expect(read(maker)).rejects.toThrow("the query gives no row");
    expect((await read(trigger)).values).toEqual([10]);
  });

  const escaped = encodeURIComponent(POSTGRES_PASSWORD);
  const quoted = `'${POSTGRES_PASSWORD.replace(/['\\]/g, "\\$&")}'`;

  test.each<[string, () => string]>([
    ["a URL", () => `postgresql://keda:${escaped}@db.shop:${server.port}/postgres`],
    ["pairs", () => `host=db.shop port=${server.port} user=keda password=${quoted} dbname=postgres`],
    [
      "the first of two hosts is down",
      () => `host=127.0.0.1,db.shop port=1,${server.port} user=keda password=${quoted} dbname=postgres`,
    ],
    ["a socket", () => `host=${server.socketFolder} port=${server.port} user=keda password=${quoted} dbname=postgres`],
  ])("postgresql connects by %s", async (_title, connection) => {
    expect((await read(await build({ auth: { connection: connection() } }))).values).toEqual([7]);
  });

  const isEncrypted = "SELECT ssl::int FROM pg_stat_ssl WHERE pid = pg_backend_pid()";

  test.each<[string, string, number | string]>([
    ["disable", "", 0],
    ["allow", "", 0],
    ["prefer", "", 1],
    ["require", "", 1],
    ["verify-ca", "ca", 1],
    ["verify-full", "ca", 1],
    ["require", "wrong ca", "is no file of at most 1048576 bytes"],
    ["verify-ca", "", "unable to verify the first certificate"],
    ["verify-full", "", "unable to verify the first certificate"],
  ])("postgresql: sslmode %s with %s gives %s", async (sslmode, ca, expected) => {
    const root = ca === "" ? "" : `sslrootcert=${ca === "ca" ? server.caPath : "/nowhere"}`;
    const connection = `host=db.shop port=${server.port} user=keda password=${quoted} dbname=postgres sslmode=${sslmode} ${root}`;
    const result = build({ metadata: { query: isEncrypted }, auth: { connection } }).then(read);
    if (typeof expected === "number") expect((await result).values).toEqual([expected]);
    else await expect(result).rejects.toThrow(expected);
  });

  test("postgresql: verify-full refuses a certificate for another name, verify-ca does not look at it", async () => {
    const base = `host=localhost port=${server.port} user=keda password=${quoted} dbname=postgres sslrootcert=${server.caPath}`;
    await expect(build({ auth: { connection: `${base} sslmode=verify-full` } })).rejects.toThrow("does not match");
    expect((await read(await build({ auth: { connection: `${base} sslmode=verify-ca` } }))).values).toEqual([7]);
  });

  test("postgresql: settings of the connection hold for the session", async () => {
    const settings = "application_name=web statement_timeout=7s search_path='app, public'";
    const connection = `host=db.shop port=${server.port} user=keda password=${quoted} dbname=postgres ${settings}`;
    const text = `SELECT (current_setting('application_name') = 'web')::int
    + 10 * (current_setting('statement_timeout') = '7s')::int
    + 100 * (current_setting('search_path') = 'app, public')::int`;
    expect((await read(await build({ metadata: { query: text }, auth: { connection } }))).values).toEqual([111]);
  });

  test("postgresql: a wrong password, and a database that is not there, fail the build and tell no secret", async () => {
    const wrong = build({ ...parts(), auth: { password: "verraten" } });
    await expect(wrong).rejects.toMatchObject({
      code: "TriggerUnreadable",
      message: `Cannot connect to postgresql "db.shop:${server.port}/postgres": password authentication failed for user "keda"`,
    });
    await expect(build(parts({ dbName: "nowhere" }))).rejects.toThrow('database "nowhere" does not exist');
  });

  test("postgresql looks for a password neither in the environment nor in the home of this process", async () => {
    process.env.PGPASSWORD = POSTGRES_PASSWORD;
    try {
      await expect(build({ ...parts(), auth: {} })).rejects.toThrow("Cannot connect to postgresql");
    } finally {
      delete process.env.PGPASSWORD;
    }
  });

  test("postgresql: a query without an answer ends after the timeout, and the next read is served", async () => {
    const trigger = await build(parts({ query: "SELECT pg_sleep(20)::text" }), 400);
    const startMs = Date.now();
    await expect(read(trigger)).rejects.toThrow("no answer within 400ms");
    expect(Date.now() - startMs).toBeLessThan(3_000);
    await expect(read(trigger)).rejects.toThrow("no answer within 400ms");
  });

  test("postgresql: an answer without end is cut off", async () => {
    expect(await query("SELECT repeat('x', 1000) FROM generate_series(1, 3000000)")).toMatch(
      /: the answer is longer than 4194304 bytes$/,
    );
  });

  test("postgresql: many reads over one connection leave nothing behind on it", async () => {
    expect(await warningsOf(await build(parts()))).toEqual([]);
  });

  test("postgresql: close leaves no connection behind", async () => {
    const trigger = await build(parts({ query: "SELECT pg_backend_pid()" }));
    const [pid] = (await read(trigger)).values;
    const watcher = await build(parts({ query: `SELECT count(*) FROM pg_stat_activity WHERE pid = ${pid}` }));
    expect((await read(watcher)).values).toEqual([1]);
    await trigger.close();
    await expect.poll(async () => (await read(watcher)).values).toEqual([0]);
    await expect(read(trigger)).rejects.toThrow("it was given up");
  });

  test("postgresql: a server that went away while idle fails reads, and serves them when it is back", async () => {
    const trigger = await build(parts());
    expect((await read(trigger)).values).toEqual([7]);
    await server.stop();
    await expect(read(trigger)).rejects.toMatchObject({ code: "TriggerUnreadable", retryable: true });
    await expect(build(parts())).rejects.toThrow("ECONNREFUSED");
    await server.start();
    await expect
      .poll(
        () =>
          read(trigger).then(
            ({ values }) => values,
            () => [],
          ),
        { timeout: 10_000 },
      )
      .toEqual([7]);
  });
});

test("postgresql: a server that takes the connection and says nothing fails the build in time", async () => {
  await withSilentServer(async (port) => {
    const connection = `host=127.0.0.1 port=${port} user=keda`;
    await expect(build({ auth: { connection } }, 300)).rejects.toThrow("no answer within 300ms");
  });
});

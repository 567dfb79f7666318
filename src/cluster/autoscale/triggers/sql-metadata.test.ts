import { expect, test } from "vitest";
import { createVirtualClock } from "#testing";
import { mysqlTrigger } from "./mysql/mysql.ts";
import { postgresqlTrigger } from "./postgresql/postgresql.ts";
import { type TriggerCase, triggerOptions, triggerWorld } from "./testing/trigger-fixture.ts";

const kinds = { postgresql: postgresqlTrigger, mysql: mysqlTrigger };

/** Why the build fails; a signal that is aborted keeps it from connecting when the metadata are right. */
async function buildError(setting: TriggerCase & { readonly type: keyof typeof kinds }): Promise<string> {
  const world = triggerWorld({ clock: createVirtualClock(), signal: AbortSignal.abort() });
  return kinds[setting.type].build(triggerOptions(setting), world).then(
    () => "built",
    (thrown: unknown) => (thrown instanceof Error ? thrown.message : "no error"),
  );
}

const postgresql = {
  query: "SELECT 1",
  targetQueryValue: "5",
  host: "db",
  port: "5432",
  userName: "me",
  dbName: "shop",
  sslmode: "disable",
};
const connected = 'Cannot connect to postgresql "db:5432/shop": it was given up';
const without = (key: keyof typeof postgresql) => ({ ...postgresql, [key]: "" });
const parts = { query: "SELECT 1", targetQueryValue: "5" };
const badMetadata = "error parsing postgresql metadata: ";

test.each<[string, Omit<TriggerCase, "type">, string]>([
  ["parts", { metadata: postgresql }, connected],
  [
    "parts of the authentication before the metadata",
    { metadata: postgresql, auth: { host: "other", dbName: "x" } },
    'Cannot connect to postgresql "other:5432/x": it was given up',
  ],
  [
    "a connection of the authentication",
    { metadata: parts, auth: { connection: "host=db port=1 user=me dbname=x" } },
    'Cannot connect to postgresql "db:1/x": it was given up',
  ],
  [
    "a connection of the environment",
    { metadata: { ...parts, connectionFromEnv: "PG" }, env: { PG: "postgresql://me:geheim@db/x" } },
    'Cannot connect to postgresql "db:5432/x": it was given up',
  ],
  ["a formula without a threshold", { metadata: without("targetQueryValue"), isFormulaInput: true }, connected],
  ["metricType Value", { metadata: postgresql, metricType: "Value" }, connected],
  ["podIdentity none", { metadata: postgresql, podIdentity: "none" }, connected],
  ["no query", { metadata: without("query") }, `${badMetadata}missing required parameter "query" in [triggerMetadata]`],
  [
    "no threshold",
    { metadata: without("targetQueryValue") },
    `${badMetadata}missing required parameter "targetQueryValue" in [triggerMetadata]`,
  ],
  [
    "a threshold of nothing",
    { metadata: { ...postgresql, targetQueryValue: "0" } },
    `${badMetadata}parameter "targetQueryValue" value "0" must not be 0: it is the value that one pod takes`,
  ],
  [
    "thresholds that are no numbers",
    { metadata: { ...postgresql, targetQueryValue: "few", activationTargetQueryValue: "more" } },
    `${badMetadata}unable to set param "targetQueryValue" value "few": it is not a number; ` +
      'unable to set param "activationTargetQueryValue" value "more": it is not a number',
  ],
  [
    "nothing about the server",
    { metadata: parts },
    badMetadata +
      ["host", "port", "userName", "dbName", "sslmode"]
        .map((name) => `missing required parameter "${name}" in [authParams, triggerMetadata]`)
        .join("; "),
  ],
  [
    "a connection in the metadata, where everybody reads it",
    { metadata: { ...without("host"), connection: "host=db" } },
    `${badMetadata}missing required parameter "host" in [authParams, triggerMetadata]`,
  ],
  [
    "an sslmode that there is not",
    { metadata: { ...postgresql, sslmode: "on" } },
    `${badMetadata}sslmode "on" must be one of [disable allow prefer require verify-ca verify-full]`,
  ],
  [
    "a connection that cannot be read",
    { metadata: parts, auth: { connection: "geheim" } },
    `${badMetadata}unable to read parameter "connection": it is neither a URL "postgresql://…" nor pairs ` +
      '"host=db port=5432 …"; put values with spaces in single quotes',
  ],
  [
    "metricType Utilization",
    { metadata: postgresql, metricType: "Utilization" },
    `${badMetadata}metricType "Utilization" is not one of this trigger: write AverageValue or Value`,
  ],
  [
    "a pod identity",
    { metadata: postgresql, podIdentity: "azure-workload" },
    `${badMetadata}podIdentity "azure-workload" is not executed by the embedded cluster; give a user name and a password, or certificates`,
  ],
])("postgresql: %s", async (_title, setting, expected) => {
  expect(await buildError({ type: "postgresql", ...setting })).toBe(expected);
});

const mysql = { query: "SELECT 1", queryValue: "5", host: "db", port: "3306", username: "me", dbName: "shop" };
const mysqlConnected = 'Cannot connect to mysql "db:3306/shop": it was given up';
const badMysql = "error parsing mysql metadata: ";

test.each<[string, Omit<TriggerCase, "type">, string]>([
  ["parts", { metadata: mysql }, mysqlConnected],
  ["parts of the metadata before the authentication", { metadata: mysql, auth: { host: "other" } }, mysqlConnected],
  [
    "parts of the authentication",
    { metadata: { query: "SELECT 1", queryValue: "5" }, auth: { host: "db", port: "1", username: "me", dbName: "x" } },
    'Cannot connect to mysql "db:1/x": it was given up',
  ],
  [
    "a user of the environment",
    { metadata: { ...mysql, username: "", usernameFromEnv: "ME" }, env: { ME: "me" } },
    mysqlConnected,
  ],
  [
    "an address of IPv6",
    { metadata: { ...mysql, host: "::1" } },
    'Cannot connect to mysql "::1:3306/shop": it was given up',
  ],
  [
    "a connection string of the authentication",
    {
      metadata: { query: "SELECT 1", queryValue: "5" },
      auth: { connectionString: "me:geheim@tcp(db:1)/x?tls=preferred" },
    },
    'Cannot connect to mysql "db:1/x": it was given up',
  ],
  [
    "a connection string of the environment",
    { metadata: { query: "SELECT 1", queryValue: "5", connectionStringFromEnv: "DSN" }, env: { DSN: "me@unix(/s)/x" } },
    'Cannot connect to mysql "/s/x": it was given up',
  ],
  [
    "nothing",
    { metadata: {} },
    badMysql +
      [
        'missing required parameter "query" in [triggerMetadata]',
        'missing required parameter "queryValue" in [triggerMetadata]',
        'missing required parameter "host" in [triggerMetadata, authParams]',
        'missing required parameter "port" in [triggerMetadata, authParams]',
        'missing required parameter "username" in [triggerMetadata, authParams, resolvedEnv]',
        'missing required parameter "dbName" in [triggerMetadata, authParams]',
      ].join("; "),
  ],
  [
    "a threshold that is required with a formula too",
    { metadata: { ...mysql, queryValue: "" }, isFormulaInput: true },
    `${badMysql}missing required parameter "queryValue" in [triggerMetadata]`,
  ],
  [
    "a threshold of nothing",
    { metadata: { ...mysql, queryValue: "0" } },
    `${badMysql}parameter "queryValue" value "0" must not be 0: it is the value that one pod takes`,
  ],
  [
    "an activation that is no number",
    { metadata: { ...mysql, activationQueryValue: "more" } },
    `${badMysql}unable to set param "activationQueryValue" value "more": it is not a number`,
  ],
  ["a port that is none", { metadata: { ...mysql, port: "x" } }, `${badMysql}its port is no number from 1 to 65535`],
  [
    "a connection string that cannot be read",
    { metadata: mysql, auth: { connectionString: "me:geheim@tcp(db)" } },
    `${badMysql}unable to read parameter "connectionString": it has no "/" before the database; ` +
      "write user:password@tcp(host:3306)/database",
  ],
  [
    "metricType Utilization",
    { metadata: mysql, metricType: "Utilization" },
    `${badMysql}metricType "Utilization" is not one of this trigger: write AverageValue or Value`,
  ],
])("mysql: %s", async (_title, setting, expected) => {
  expect(await buildError({ type: "mysql", ...setting })).toBe(expected);
});

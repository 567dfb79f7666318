import { connectSqlTrigger } from "../clients/sql/sql-trigger.ts";
import { externalTargetType } from "../parameters/target-type.ts";
import { queryThreshold } from "../parameters/thresholds.ts";
import type { ExternalMetricSpec, TriggerKind, TriggerOptions } from "../trigger.ts";
import { type MysqlTarget, parseDataSourceName, readAddress } from "./data-source-name.ts";
import { openMysql } from "./mysql-session.ts";

/** Scales on the number that a query gives. Source: keda-hpa-spec 16 (mysql). */
export const mysqlTrigger: TriggerKind = {
  types: ["mysql"],
  canCache: true,
  async build(options, world) {
    const { query, metric, activation, target } = readMetadata(options);
    const resolve = (host: string) => world.resolve(host, options.scaledObject.namespace);
    const { place } = target;
    return connectSqlTrigger(
      {
        server: `mysql "${"host" in place ? `${place.host}:${place.port}` : place.socketPath}/${target.database}"`,
        query,
        metric,
        activation,
        secrets: [target.password],
        open: (signal) => openMysql({ target, clock: world.clock, resolve }, signal),
      },
      world,
    );
  },
};

interface Metadata {
  readonly query: string;
  readonly metric: ExternalMetricSpec;
  readonly activation: number;
  readonly target: MysqlTarget;
}

function readMetadata(options: TriggerOptions): Metadata {
  const { config } = options;
  const query = config.text("query", { isRequired: true });
  const threshold = queryThreshold("queryValue", options, { isRequired: true });
  const activation = config.number("activationQueryValue") ?? 0;
  const targetType = externalTargetType(options);
  const target = readTarget(options);
  config.end();
  // The name is that of the database alone: KEDA puts all of the DSN behind its last "/" there, parameters included.
  const name = `mysql-${target.database}`;
  return {
    query,
    metric: { name, target: threshold, targetType, isWhole: Number.isInteger(threshold) },
    activation,
    target,
  };
}

const nowhere: MysqlTarget = {
  place: { host: "", port: 0 },
  user: "",
  password: "",
  database: "",
  tls: "false",
  connectTimeoutMs: undefined,
  allowsCleartextPasswords: false,
  variables: {},
};

/** Either the whole connection, or its parts. Notes mistakes and goes on, so that all of them are told at once. */
function readTarget({ config }: TriggerOptions): MysqlTarget {
  const connection = config.text("connectionString", { from: ["auth", "env"] });
  if (connection !== undefined) {
    const parsed = parseDataSourceName(connection);
    if (parsed.ok) return parsed.value;
    config.mistake(`unable to read parameter "connectionString": ${parsed.error}`);
    return nowhere;
  }
  const host = config.text("host", { from: ["metadata", "auth"], isRequired: true });
  const port = config.text("port", { from: ["metadata", "auth"], isRequired: true });
  const user = config.text("username", { from: ["metadata", "auth", "env"], isRequired: true });
  const database = config.text("dbName", { from: ["metadata", "auth"], isRequired: true });
  const password = config.text("password", { from: ["auth", "env"] }) ?? "";
  if (host === "" || port === "") return nowhere;
  const place = readAddress(host.includes(":") && !host.startsWith("[") ? `[${host}]:${port}` : `${host}:${port}`);
  if (place.ok) return { ...nowhere, place: place.value, user, password, database };
  config.mistake(place.error);
  return nowhere;
}

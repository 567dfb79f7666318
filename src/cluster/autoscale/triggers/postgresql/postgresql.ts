import { connectSqlTrigger } from "../clients/sql/sql-trigger.ts";
import { refusePodIdentity } from "../parameters/pod-identity.ts";
import { externalTargetType } from "../parameters/target-type.ts";
import { queryThreshold } from "../parameters/thresholds.ts";
import type { ConfigSource } from "../parameters/trigger-config.ts";
import type { ExternalMetricSpec, TriggerKind, TriggerOptions } from "../trigger.ts";
import { type PostgresTarget, parsePostgresConnection, postgresTarget } from "./connection-string.ts";
import { openPostgres } from "./postgresql-session.ts";

/** Scales on the number that a query gives. Source: keda-hpa-spec 15.7. */
export const postgresqlTrigger: TriggerKind = {
  types: ["postgresql"],
  canCache: true,
  async build(options, world) {
    const { query, metric, activation, target } = readMetadata(options);
    const resolve = (host: string) => world.resolve(host, options.scaledObject.namespace);
    const [first] = target.hosts;
    return connectSqlTrigger(
      {
        server: `postgresql "${first?.host ?? ""}:${first?.port ?? ""}/${target.database}"`,
        query,
        metric,
        activation,
        secrets: [target.password, target.sslpassword ?? ""],
        open: (signal) => openPostgres({ target, clock: world.clock, resolve }, signal),
      },
      world,
    );
  },
};

interface Metadata {
  readonly query: string;
  readonly metric: ExternalMetricSpec;
  readonly activation: number;
  readonly target: PostgresTarget;
}

function readMetadata(options: TriggerOptions): Metadata {
  const { config, isFormulaInput } = options;
  const query = config.text("query", { isRequired: true });
  const threshold = queryThreshold("targetQueryValue", options, { isRequired: !isFormulaInput });
  const activation = config.number("activationTargetQueryValue") ?? 0;
  const targetType = externalTargetType(options);
  refusePodIdentity(options);
  const target = readTarget(options);
  config.end();
  const metric = { name: "postgresql", target: threshold, targetType, isWhole: Number.isInteger(threshold) };
  return { query, metric, activation, target };
}

const nowhere: PostgresTarget = {
  hosts: [],
  user: "",
  password: "",
  database: "",
  sslmode: "disable",
  files: {},
  sslpassword: undefined,
  connectTimeoutMs: undefined,
  settings: {},
};

/** Either the whole connection, or its parts. Notes mistakes and goes on, so that all of them are told at once. */
function readTarget({ config }: TriggerOptions): PostgresTarget {
  const connection = config.text("connection", { from: ["auth", "env"] });
  if (connection !== undefined) {
    const parsed = parsePostgresConnection(connection);
    if (parsed.ok) return parsed.value;
    config.mistake(`unable to read parameter "connection": ${parsed.error}`);
    return nowhere;
  }
  const from: readonly ConfigSource[] = ["auth", "metadata"];
  const part = (name: string) => config.text(name, { from, isRequired: true });
  const [host, port, user, dbname, sslmode] = [
    part("host"),
    part("port"),
    part("userName"),
    part("dbName"),
    part("sslmode"),
  ];
  const password = config.text("password", { from: ["auth", "env"] }) ?? "";
  if ([host, port, user, dbname, sslmode].includes("")) return nowhere;
  const target = postgresTarget({ host, port, user, dbname, sslmode, password });
  if (target.ok) return target.value;
  config.mistake(target.error);
  return nowhere;
}

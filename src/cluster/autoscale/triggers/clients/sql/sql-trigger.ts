import type { Failure } from "#base";
import type { ExternalMetricSpec, ExternalTrigger, TriggerWorld } from "../../trigger.ts";
import { clientFailure } from "../client-failure.ts";
import { queryValue } from "./query-value.ts";
import { SqlReader, type SqlSession } from "./sql-reader.ts";

export interface SqlTriggerOptions {
  /** The server for messages, such as `postgresql "db:5432/shop"`; never with credentials. */
  readonly server: string;
  readonly metric: ExternalMetricSpec;
  readonly query: string;
  readonly activation: number;
  /** Texts that no message may hold. */
  readonly secrets: readonly string[];
  /** Connects; drops what it has begun when the signal is aborted. */
  open(signal: AbortSignal): Promise<SqlSession>;
}

/**
 * Connects and makes a trigger whose value is what a query gives. A database that is down fails the build, as with KEDA.
 *
 * @throws Failure `TriggerUnreadable`. Source: keda-hpa-spec 15.7.
 */
export async function connectSqlTrigger(options: SqlTriggerOptions, world: TriggerWorld): Promise<ExternalTrigger> {
  const { metric, query, activation } = options;
  const { clock, timeoutMs, signal } = world;
  const reader = new SqlReader({ clock, timeoutMs, signal, open: (ended) => options.open(ended) });
  try {
    await reader.connect(signal);
  } catch (thrown) {
    await reader.close();
    throw explain(thrown, "connect to", options);
  }
  return {
    kind: "external",
    metrics: () => Promise.resolve([metric]),
    async read(_metric, readSignal) {
      const row = await reader.firstRow(query, readSignal).catch((thrown: unknown) => {
        throw explain(thrown, "query", options);
      });
      const value = queryValue(row);
      if (!value.ok) throw explain(value.error, "query", options);
      return { values: [value.value], isActive: value.value > activation };
    },
    close: () => reader.close(),
  };
}

function explain(thrown: unknown, action: string, { server, secrets }: SqlTriggerOptions): Failure {
  return clientFailure(`${action} ${server}`, thrown, secrets);
}

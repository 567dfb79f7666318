import { createExternalTriggers } from "./external.ts";
import { mysqlTrigger } from "./mysql.ts";
import { postgresqlTrigger } from "./postgresql.ts";
import type { TriggerKind } from "./trigger.ts";

/** Every kind of trigger. To add one: a file that exports a {@link TriggerKind}, and its name here. */
export const triggerKinds: readonly TriggerKind[] = [postgresqlTrigger, mysqlTrigger, ...createExternalTriggers()];

export type * from "./trigger.ts";
export { TriggerConfig, type TriggerConfigSources } from "./trigger-config.ts";

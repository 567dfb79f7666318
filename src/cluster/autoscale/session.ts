import type { ScaledObject } from "#api";
import { assert } from "#base";
import type { Formula, MetricReading } from "./plan/evaluation.ts";
import type { StatusKeeper } from "./status-keeper.ts";
import type { TriggerSlot } from "./trigger-slot.ts";

/**
 * The version of a ScaledObject that is carried out, with its triggers. A later version that is refused leaves it in force, so
 * that a mistake in an edit harms nothing. (KEDA polls by what is written, refused or not.)
 */
export interface Session {
  readonly object: ScaledObject;
  readonly slots: readonly TriggerSlot[];
  /** Of `scalingModifiers`. */
  readonly formula: Formula | undefined;
  readonly status: StatusKeeper;
  /** What the last poll read, by metric, for triggers with `useCachedMetrics`. */
  readonly records: Map<string, MetricReading>;
  /** Aborts when it is carried out no more: what is read from then on means nothing. */
  readonly signal: AbortSignal;
}

/** Triggers with values of their own. */
export function externalSlots({ slots }: Session): readonly TriggerSlot[] {
  return slots.filter(({ isResource }) => !isResource);
}

/** The identity of a ScaledObject for metrics and logs. */
export function identityOf({ metadata }: ScaledObject): { readonly namespace: string; readonly name: string } {
  const { namespace, name } = metadata;
  assert(
    namespace !== undefined && name !== undefined,
    "a ScaledObject was read from the API server, so it has a name",
  );
  return { namespace, name };
}

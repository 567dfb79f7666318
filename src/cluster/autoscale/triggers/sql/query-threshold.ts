import type { TriggerConfig } from "../trigger-config.ts";

/**
 * Reads the threshold of a query's value. Nothing in the place of a threshold would divide by zero.
 *
 * A formula replaces it, so with one it may be nothing; whether it may be absent as well, KEDA decides for each trigger.
 */
export function queryThreshold(
  config: TriggerConfig,
  name: string,
  { isRequired, isFormulaInput }: { readonly isRequired: boolean; readonly isFormulaInput: boolean },
): number {
  const threshold = isRequired ? config.number(name, { isRequired }) : (config.number(name) ?? 0);
  if (!isFormulaInput && Number(config.text(name)) === 0)
    config.mistake(`parameter "${name}" must not be 0: it is the value that one pod takes`);
  return threshold;
}

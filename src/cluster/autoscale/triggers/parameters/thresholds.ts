import type { TriggerOptions } from "../trigger.ts";
import type { TriggerConfig } from "./trigger-config.ts";

/** A threshold that an autoscaler can divide by; a formula does without. */
export function positiveTarget(name: string, { config, isFormulaInput }: TriggerOptions): number {
  const value = isFormulaInput ? (config.number(name) ?? 0) : config.number(name, { isRequired: true });
  if (!isFormulaInput) mustBePositive(config, name);
  return value;
}

/** Says so when a number that was given is not above 0; one that is missing or unreadable has been said already. */
export function mustBePositive(config: TriggerConfig, name: string): void {
  const text = config.text(name);
  if (text !== undefined && Number(text) <= 0)
    config.mistake(`parameter "${name}" value "${text}" must be greater than 0`);
}

/** Reads a whole number that must not be less than `least`; `fallback` when it is not given. */
export function countField(
  config: TriggerConfig,
  name: string,
  { fallback, least }: { readonly fallback: number; readonly least: 0 | 1 },
): number {
  const value = config.number(name, { isWhole: true });
  if (value === undefined) return fallback;
  const text = config.text(name);
  // A text that is no number comes back as 0 and is noted already.
  if (Number.isInteger(Number(text)) && value < least)
    config.mistake(`parameter "${name}" value "${text}" must be ${least} or more`);
  return value;
}

/**
 * Reads the threshold of a query's value. Nothing in the place of a threshold would divide by zero; less than nothing is
 * taken, as KEDA takes it.
 *
 * A formula replaces it, so with one it may be nothing; whether it may be absent as well, KEDA decides for each trigger.
 */
export function queryThreshold(
  name: string,
  { config, isFormulaInput }: TriggerOptions,
  { isRequired }: { readonly isRequired: boolean },
): number {
  const threshold = isRequired ? config.number(name, { isRequired }) : (config.number(name) ?? 0);
  const text = config.text(name);
  if (!isFormulaInput && Number(text) === 0)
    config.mistake(`parameter "${name}" value "${text}" must not be 0: it is the value that one pod takes`);
  return threshold;
}

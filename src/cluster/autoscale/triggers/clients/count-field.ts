import type { TriggerConfig } from "../trigger-config.ts";

/** Reads a whole number of the metadata that must not be less than `least`; `fallback` when it is not given. */
export function countField(
  config: TriggerConfig,
  name: string,
  { fallback, least }: { readonly fallback: number; readonly least: 0 | 1 },
): number {
  const value = config.number(name, { isWhole: true });
  if (value === undefined) return fallback;
  // A text that is no number comes back as 0 and is noted already.
  const isNumber = Number.isInteger(Number(config.text(name)));
  if (isNumber && value < least) config.mistake(`"${name}" is ${value}; give ${least} or more`);
  return value;
}

import type { CounterReading } from "./counter-series.ts";

/** Why a reading was not used. The readings come from the network: a fault is expected, and never more than a lost reading. */
export interface CounterFault {
  readonly kind: "bad-id" | "bad-value" | "bad-width" | "bad-time" | "duplicate" | "late" | "moved";
  readonly id: string;
  /** The finding in one sentence, with the value. */
  readonly message: string;
}

/** Longest name of a series or a source: they are kept, and what is kept is bounded. */
const NAME_MAX = 2048;
/** Characters of a name that a message quotes. */
const QUOTED_MAX = 120;

/** What is wrong with a reading as such; undefined when nothing is. Samples from after `untilMs` are not believed. */
export function faultOf(
  reading: CounterReading,
  { width, untilMs }: { readonly width: number; readonly untilMs: number },
): CounterFault | undefined {
  const { id, source, values, timestampMs } = reading;
  if (id === "" || id.length > NAME_MAX || source.length > NAME_MAX)
    return counterFault("bad-id", reading, `has a name of ${id.length} characters; 1 to ${NAME_MAX} are allowed`);
  if (values.length !== width)
    return counterFault("bad-width", reading, `has ${values.length} values; ${width} belong to it`);
  const bad = values.find((value) => !Number.isFinite(value) || value < 0);
  if (bad !== undefined)
    return counterFault("bad-value", reading, `has the value ${bad}; counters are finite and not negative`);
  if (!Number.isFinite(timestampMs) || timestampMs > untilMs)
    return counterFault("bad-time", reading, `is of ${timestampMs}, which is no time or has not come yet`);
  return undefined;
}

/** A fault with its sentence. */
export function counterFault(
  kind: CounterFault["kind"],
  { id }: Pick<CounterReading, "id">,
  finding: string,
): CounterFault {
  const name = id.length > QUOTED_MAX ? `${id.slice(0, QUOTED_MAX)}…` : id;
  return { kind, id: name, message: `Cannot use a reading of counter ${JSON.stringify(name)}: it ${finding}` };
}

import { err, ok, parseDuration, type Result } from "#base";

/** One command-line flag: how its text is read and what it is without one. */
export interface Flag<T> {
  readonly fallback: T;
  /** May stand without a value (`-v`); a value is then only taken from `-v=false`. */
  readonly isSwitch: boolean;
  /** Reads one occurrence; `previous` is the value of the occurrences before it, for flags that repeat. */
  read(text: string, previous: T): Result<T, string>;
}

/** The values of a set of flags. */
export type FlagValues<S extends FlagSet> = { [K in keyof S]: S[K] extends Flag<infer T> ? T : never };
export type FlagSet = Readonly<Record<string, AnyFlag>>;
// The value type of a set's members differs; `never` as the parameter accepts them all.
type AnyFlag = Pick<Flag<unknown>, "fallback" | "isSwitch"> & {
  read(text: string, previous: never): Result<unknown, string>;
};

export interface ParsedFlags<S extends FlagSet> {
  readonly values: FlagValues<S>;
  /** Names of the flags that were given. */
  readonly given: ReadonlySet<string>;
  /** Arguments that are no flags, in order. */
  readonly rest: readonly string[];
}

export function stringFlag(fallback: string): Flag<string> {
  return { fallback, isSwitch: false, read: (text) => ok(text) };
}

export function listFlag(): Flag<readonly string[]> {
  return { fallback: [], isSwitch: false, read: (text, previous) => ok([...previous, text]) };
}

export function integerFlag(fallback: number): Flag<number> {
  return {
    fallback,
    isSwitch: false,
    read: (text) => (/^[+-]?\d{1,15}$/.test(text) ? ok(Number(text)) : err("must be a whole number")),
  };
}

export function numberFlag(fallback: number): Flag<number> {
  return {
    fallback,
    isSwitch: false,
    read: (text) => (/^\d+(\.\d+)?$/.test(text) ? ok(Number(text)) : err("must be a number that is not negative")),
  };
}

/** A Go duration; the value is in milliseconds. */
export function durationFlag(fallbackMs: number): Flag<number> {
  return { fallback: fallbackMs, isSwitch: false, read: (text) => parseDuration(text) };
}

export function switchFlag(fallback = false): Flag<boolean> {
  return {
    fallback,
    isSwitch: true,
    read: (text) => {
      if (["1", "t", "T", "true", "TRUE", "True"].includes(text)) return ok(true);
      if (["0", "f", "F", "false", "FALSE", "False"].includes(text)) return ok(false);
      return err("must be true or false");
    },
  };
}

/**
 * Parses arguments as Go programs do: one dash or two, `-name value` or `-name=value`, switches without a value, `--` ends.
 *
 * Flags may also follow the other arguments, as with the pflag package.
 */
export function parseGoFlags<const S extends FlagSet>(set: S, argv: readonly string[]): Result<ParsedFlags<S>, string> {
  const values = new Map<string, unknown>(Object.entries(set).map(([name, flag]) => [name, flag.fallback]));
  const given = new Set<string>();
  const rest: string[] = [];
  for (let index = 0; index < argv.length; index++) {
    const argument = argv[index] ?? "";
    const match = /^--?([^-=][^=]*)(?:=([\s\S]*))?$/.exec(argument);
    if (argument === "--") {
      rest.push(...argv.slice(index + 1));
      break;
    }
    if (match === null) {
      rest.push(argument);
      continue;
    }
    const name = match[1] ?? "";
    const flag = Object.hasOwn(set, name) ? set[name] : undefined;
    if (flag === undefined) return err(`unknown flag "${argument}"`);
    let text = match[2] ?? (flag.isSwitch ? "true" : undefined);
    if (text === undefined) text = argv[++index];
    if (text === undefined) return err(`flag "${argument}" needs a value`);
    const read = flag.read(text, values.get(name) as never);
    if (!read.ok) return err(`invalid value "${text}" for flag "-${name}": ${read.error}`);
    values.set(name, read.value);
    given.add(name);
  }
  return ok({ values: Object.fromEntries(values) as FlagValues<S>, given, rest });
}

import { Failure, parseDuration } from "#base";

/** Where a parameter may stand. */
export type ConfigSource = "metadata" | "env" | "auth";

export interface TriggerConfigSources {
  /** `triggers[].metadata`. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Environment of the target's container, resolved: `hostFromEnv: HOST` in the metadata names a variable of it. */
  readonly env: Readonly<Record<string, string>>;
  /** What the trigger's TriggerAuthentication gives. */
  readonly auth: Readonly<Record<string, string>>;
}

export interface FieldOptions {
  /** Sources in the order in which they are asked; the first with a value wins. Default: metadata only. */
  readonly from?: readonly ConfigSource[];
  readonly isRequired?: boolean;
}

const names: Readonly<Record<ConfigSource, string>> = {
  metadata: "triggerMetadata",
  env: "resolvedEnv",
  auth: "authParams",
};

/**
 * Reads the parameters of one trigger. Mistakes are collected, so that a user learns of all of them at once: `end()`
 * throws them. A parameter that is absent, or blank after trimming, counts as not given. Source: keda-hpa-spec 13.
 */
export class TriggerConfig {
  readonly #trigger: string;
  readonly #sources: TriggerConfigSources;
  readonly #mistakes: string[] = [];

  constructor(trigger: string, sources: TriggerConfigSources) {
    this.#trigger = trigger;
    this.#sources = sources;
  }

  text(name: string, options: FieldOptions & { readonly isRequired: true }): string;
  text(name: string, options?: FieldOptions): string | undefined;
  text(name: string, { from = ["metadata"], isRequired = false }: FieldOptions = {}): string | undefined {
    for (const source of from) {
      const value = this.#in(source, name)?.trim();
      if (value !== undefined && value !== "") return value;
    }
    if (!isRequired) return undefined;
    this.mistake(`missing required parameter "${name}" in [${from.map((source) => names[source]).join(", ")}]`);
    return "";
  }

  /** A finite number; `isWhole` refuses fractions. */
  number(name: string, options: FieldOptions & { readonly isWhole?: boolean; readonly isRequired: true }): number;
  number(name: string, options?: FieldOptions & { readonly isWhole?: boolean }): number | undefined;
  number(name: string, options: FieldOptions & { readonly isWhole?: boolean } = {}): number | undefined {
    const text = this.text(name, options);
    if (text === undefined) return undefined;
    const value = text === "" ? Number.NaN : Number(text);
    const isRight = Number.isFinite(value) && (options.isWhole !== true || Number.isInteger(value));
    if (isRight || text === "") return isRight ? value : 0;
    const kind = options.isWhole === true ? "a whole number" : "a number";
    this.mistake(`unable to set param "${name}" value "${text}": it is not ${kind}`);
    return 0;
  }

  /** `true` or `false`, as Go reads them. */
  flag(name: string, options: FieldOptions = {}): boolean | undefined {
    const text = this.text(name, options);
    if (text === undefined || text === "") return undefined;
    if (["1", "t", "T", "true", "TRUE", "True"].includes(text)) return true;
    if (["0", "f", "F", "false", "FALSE", "False"].includes(text)) return false;
    this.mistake(`unable to set param "${name}" value "${text}": it is neither true nor false`);
    return undefined;
  }

  /** A Go duration (`1m30s`), or whole milliseconds without a unit; in milliseconds. */
  durationMs(name: string, options: FieldOptions = {}): number | undefined {
    const text = this.text(name, options);
    if (text === undefined || text === "") return undefined;
    if (/^\d+$/.test(text)) return Number(text);
    const parsed = parseDuration(text);
    if (parsed.ok) return parsed.value;
    this.mistake(`unable to set param "${name}" value "${text}": ${parsed.error}`);
    return undefined;
  }

  /** One of the given words. */
  choice<T extends string>(name: string, words: readonly T[], options: FieldOptions = {}): T | undefined {
    const text = this.text(name, options);
    if (text === undefined || text === "") return undefined;
    const found = words.find((word) => word === text);
    if (found === undefined)
      this.mistake(`parameter "${name}" value "${text}" must be one of [${words.map((word) => word).join(" ")}]`);
    return found;
  }

  /** Values between commas, trimmed. */
  list(name: string, options: FieldOptions = {}): readonly string[] | undefined {
    const text = this.text(name, options);
    return text === undefined || text === "" ? undefined : text.split(",").map((item) => item.trim());
  }

  /** `k=v,k2=v2`; a value cannot hold another "=". */
  map(name: string, options: FieldOptions = {}): Readonly<Record<string, string>> | undefined {
    const items = this.list(name, options);
    if (items === undefined) return undefined;
    const entries = items.map((item) => item.split("="));
    const wrong = entries.findIndex((entry) => entry.length !== 2);
    if (wrong >= 0) this.mistake(`unable to set param "${name}": "${items[wrong] ?? ""}" is not "key=value"`);
    return Object.fromEntries(entries.map(([key = "", value = ""]) => [key.trim(), value.trim()]));
  }

  /** The trigger's metadata as written, with `…FromEnv` resolved under the same key; for triggers that pass it on. */
  all(): Readonly<Record<string, string>> {
    const { metadata, env } = this.#sources;
    const resolved = Object.entries(metadata).map(([key, value]) => [
      key,
      key.endsWith("FromEnv") ? (own(env, value) ?? "") : value,
    ]);
    return Object.fromEntries(resolved) as Record<string, string>;
  }

  /** Notes what is wrong beyond single parameters, such as two that exclude each other. Never quote a secret. */
  mistake(message: string): void {
    this.#mistakes.push(message);
  }

  /** @throws Failure `InvalidTrigger` with every mistake, when there is one. */
  end(): void {
    if (this.#mistakes.length === 0) return;
    throw new Failure(`error parsing ${this.#trigger} metadata: ${this.#mistakes.join("; ")}`, {
      code: "InvalidTrigger",
    });
  }

  #in(source: ConfigSource, name: string): string | undefined {
    const { metadata, env, auth } = this.#sources;
    if (source === "metadata") return own(metadata, name);
    if (source === "auth") return own(auth, name);
    const variable = own(metadata, `${name}FromEnv`);
    return variable === undefined ? undefined : own(env, variable);
  }
}

/** Names come from the user, and every object has a "constructor". */
function own(values: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined;
}

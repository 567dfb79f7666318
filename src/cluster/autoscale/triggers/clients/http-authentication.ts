import type { ConfigSource, TriggerConfig } from "../parameters/trigger-config.ts";
import { checkTls, type TlsSettings } from "./tls.ts";
import { basicLogin } from "./url-login.ts";

const modes = ["apiKey", "basic", "tls", "bearer", "custom", "oauth"] as const;

export type AuthMode = (typeof modes)[number];

/** How the requests of a trigger let themselves in. */
export interface HttpAuthentication {
  readonly headers: Readonly<Record<string, string>>;
  /** Added to the query of the URL. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly tls: TlsSettings;
  /** Modes that the trigger does something with. */
  readonly known: readonly AuthMode[];
  /** Modes that were asked for and that the trigger does nothing with; KEDA does not either. */
  readonly withoutEffect: readonly AuthMode[];
  readonly isAny: boolean;
  /** What no message may show, beside the key. */
  readonly secrets: readonly string[];
}

const auth: readonly ConfigSource[] = ["auth"];
const either: readonly ConfigSource[] = ["metadata", "auth"];

/**
 * Reads `authModes` and what they need. A header of one's own is sent when there is no other login.
 *
 * Source: keda-hpa-spec 15.1, 15.9; where parameters may stand: KEDA's one configuration for all HTTP triggers.
 */
export function readAuthentication(config: TriggerConfig, known: readonly AuthMode[]): HttpAuthentication {
  const asked = askedModes(config);
  const headers: Record<string, string> = {};
  const parameters: Record<string, string> = {};
  for (const mode of known.filter((candidate) => asked.includes(candidate))) {
    if (mode === "apiKey") readApiKey(config, { headers, parameters });
    if (mode === "bearer") headers.authorization = `Bearer ${secretOf(config, ["bearerToken", "token"])}`;
    if (mode === "basic") headers.authorization = readBasicLogin(config);
    if (mode === "custom" && headers.authorization === undefined) readCustomHeader(config, headers);
  }
  return {
    headers,
    parameters,
    tls: readTls(config, asked.includes("tls")),
    known,
    withoutEffect: asked.filter((mode) => !known.includes(mode) && mode !== "tls"),
    isAny: asked.length > 0,
    secrets: secretsOf({ headers, parameters }),
  };
}

/** When a server lets nobody in, it is worth knowing that what was asked for does nothing. */
export function hintOf(status: number, { withoutEffect, known }: HttpAuthentication, type: string): string {
  if ((status !== 401 && status !== 403) || withoutEffect.length === 0) return "";
  const use = `${known.slice(0, -1).join(", ")} or ${known.at(-1) ?? ""}`;
  return ` (authModes ${withoutEffect.join(", ")} has no effect on a ${type} trigger; use ${use})`;
}

function askedModes(config: TriggerConfig): readonly AuthMode[] {
  const names = config.list("authModes", { from: either }) ?? config.list("authMode", { from: either }) ?? [];
  const asked: AuthMode[] = [];
  for (const name of names) {
    const mode = modes.find((candidate) => candidate === name);
    if (mode === undefined) config.mistake(`parameter "authModes" value "${name}" must be one of [${modes.join(" ")}]`);
    else asked.push(mode);
  }
  const exclusive = asked.filter((mode) => mode === "bearer" || mode === "basic" || mode === "oauth");
  if (new Set(exclusive).size > 1) config.mistake(`authModes ${exclusive.join(" and ")} exclude each other`);
  return asked;
}

function readApiKey(
  config: TriggerConfig,
  into: { readonly headers: Record<string, string>; readonly parameters: Record<string, string> },
): void {
  const key = config.text("apiKey", { from: either, isRequired: true });
  const method = config.choice("method", ["header", "query"], { from: either }) ?? "header";
  const name = config.text("keyParamName", { from: either });
  if (method === "query") into.parameters[name ?? "api_key"] = key;
  else if (name !== undefined && !isHeaderName(name))
    config.mistake(`parameter "keyParamName" value "${name}" is no name of a header`);
  else into.headers[(name ?? "X-API-KEY").toLowerCase()] = key;
}

function readCustomHeader(config: TriggerConfig, into: Record<string, string>): void {
  const name = config.text("customAuthHeader", { from: auth, isRequired: true });
  const value = config.text("customAuthValue", { from: auth, isRequired: true });
  if (isHeaderName(name)) into[name.toLowerCase()] = value;
  else if (name !== "") config.mistake('parameter "customAuthHeader" is no name of a header');
}

function readBasicLogin(config: TriggerConfig): string {
  const username = config.text("username", { from: auth, isRequired: true });
  const password = config.text("password", { from: auth }) ?? "";
  return basicLogin({ username, password });
}

/** The first of several names that has a value. */
function secretOf(config: TriggerConfig, [name, other]: readonly [string, string]): string {
  return config.text(other, { from: auth }) ?? config.text(name, { from: auth, isRequired: true });
}

/** With the mode `tls` a certificate must be given; without it, only the authority is read. */
function readTls(config: TriggerConfig, isAsked: boolean): TlsSettings {
  const own = (name: string) => (isAsked ? config.text(name, { from: auth, isRequired: true }) : undefined);
  const tls = {
    ca: config.text("ca", { from: auth }),
    cert: own("cert"),
    key: own("key"),
    keyPassword: undefined,
    isUnsafe: config.flag("unsafeSsl") ?? false,
  };
  checkTls(tls, config);
  return tls;
}

/** Source: RFC 9110 5.6.2, a token. */
export function isHeaderName(name: string): boolean {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name);
}

function secretsOf({ headers, parameters }: Pick<HttpAuthentication, "headers" | "parameters">): readonly string[] {
  const values = [...Object.values(headers), ...Object.values(parameters)];
  const logins = values.flatMap((value) => {
    const encoded = /^Basic (.*)$/.exec(value)?.[1];
    const login = encoded === undefined ? "" : Buffer.from(encoded, "base64").toString("utf8");
    return [login, login.slice(login.indexOf(":") + 1)];
  });
  return [...values, ...values.map((value) => value.replace(/^\w+ /, "")), ...logins].flatMap((text) =>
    text === "" ? [] : [text, encodeURIComponent(text)],
  );
}

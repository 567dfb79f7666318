import { countField } from "../parameters/thresholds.ts";
import { readTls, secretsOfTls, type TlsSettings } from "../clients/tls.ts";
import { loginOf as loginInUrl, secretsOfUrl } from "../clients/url-login.ts";
import type { ConfigSource, TriggerConfig } from "../parameters/trigger-config.ts";
import { type RabbitMode, type RabbitOperation, rabbitModes, rabbitOperations } from "./queue-reading.ts";

/** Metadata of a RabbitMQ trigger. Source: keda-hpa-spec 15.5. */
export interface RabbitSettings {
  readonly protocol: "amqp" | "http";
  /** With the login that it was written with; never to be shown. */
  readonly host: URL;
  /** Instead of the one in the host's path. */
  readonly vhostName: string | undefined;
  /** Instead of the login in the host. */
  readonly login: { readonly username: string; readonly password: string } | undefined;
  /** A regular expression with `useRegex`. */
  readonly queueName: string;
  readonly useRegex: boolean;
  readonly operation: RabbitOperation;
  readonly pageSize: number;
  readonly excludeUnacknowledged: boolean;
  readonly mode: RabbitMode;
  readonly value: number;
  readonly activationValue: number;
  /** Of one call; undefined for the usual. */
  readonly timeoutMs: number | undefined;
  readonly tls: TlsSettings;
}

const hostOrder: readonly ConfigSource[] = ["metadata", "auth", "env"];
const loginOrder: readonly ConfigSource[] = ["auth", "env"];

/** Parameters of identities that only their providers can give out tokens for, or that need a token server. */
const TOKEN_PARAMETERS = ["workloadIdentityResource", "oauthTokenURI"];

/** Messages in a queue that one pod may have before it, when nothing else is said. */
const DEFAULT_QUEUE_LENGTH = 20;

/** Reads it; mistakes are noted in the configuration. */
export function readRabbitSettings(config: TriggerConfig): RabbitSettings {
  const queueName = config.text("queueName", { isRequired: true });
  const host = readHost(config);
  const protocol = readProtocol(config, host);
  const settings = {
    protocol,
    host,
    queueName,
    vhostName: config.text("vhostName", { from: ["metadata", "auth"] }),
    login: readLogin(config),
    useRegex: config.flag("useRegex") ?? false,
    operation: config.choice("operation", rabbitOperations) ?? "sum",
    pageSize: countField(config, "pageSize", { fallback: 100, least: 1 }),
    excludeUnacknowledged: config.flag("excludeUnacknowledged") ?? false,
    ...readTarget(config),
    activationValue: config.number("activationValue") ?? 0,
    timeoutMs: config.durationMs("timeout"),
    tls: readTls(config),
  };
  config.choice("tls", ["enable", "disable"], { from: ["auth"] });
  checkProtocol(config, settings);
  for (const name of TOKEN_PARAMETERS)
    if (config.text(name, { from: ["auth"] }) !== undefined)
      config.mistake(`"${name}" is not executed by the embedded cluster; give "username" and "password"`);
  return settings;
}

/** The host is never quoted: it holds a password more often than not. */
function readHost(config: TriggerConfig): URL {
  const text = config.text("host", { from: hostOrder, isRequired: true });
  // "user:password@host" would parse, with the user as the scheme.
  if (text.includes("://") && URL.canParse(text)) return new URL(text);
  if (text !== "")
    config.mistake(
      '"host" is no URL; write amqp://USER:PASSWORD@HOST:5672/VHOST or http://USER:PASSWORD@HOST:15672/VHOST',
    );
  return new URL("amqp://localhost");
}

function readProtocol(config: TriggerConfig, host: URL): "amqp" | "http" {
  const asked = config.choice("protocol", ["auto", "amqp", "http"], { from: ["metadata", "auth"] }) ?? "auto";
  const scheme = host.protocol.slice(0, -1);
  const found = { amqp: "amqp", amqps: "amqp", http: "http", https: "http" }[scheme];
  if (found === undefined)
    config.mistake(`the scheme "${scheme}" of "host" is unknown; write amqp, amqps, http or https`);
  else if (asked !== "auto" && asked !== found)
    config.mistake(`protocol "${asked}" does not fit the scheme "${scheme}" of "host"; change one of them`);
  return found === "http" ? "http" : "amqp";
}

function readLogin(config: TriggerConfig): RabbitSettings["login"] {
  const username = config.text("username", { from: loginOrder });
  const password = config.text("password", { from: loginOrder });
  if ((username === undefined) !== (password === undefined))
    config.mistake('"username" and "password" must be given together');
  return username === undefined || password === undefined ? undefined : { username, password };
}

/** Mode and value belong together; `queueLength` is the old way to give both. Zero counts as not given. */
function readTarget(config: TriggerConfig): { readonly mode: RabbitMode; readonly value: number } {
  const mode = config.choice("mode", rabbitModes);
  const value = config.number("value") ?? 0;
  const queueLength = config.number("queueLength") ?? 0;
  const hasMode = config.text("mode") !== undefined;
  if (value < 0 || queueLength < 0) config.mistake('"value" is negative; give more than 0');
  if (queueLength !== 0) {
    if (hasMode || value !== 0)
      config.mistake('"queueLength" is deprecated and cannot stand beside "mode" and "value"; remove it');
    return { mode: "QueueLength", value: queueLength };
  }
  if (!hasMode && value === 0) return { mode: "QueueLength", value: DEFAULT_QUEUE_LENGTH };
  if (!hasMode) config.mistake(`"mode" is missing; give one of ${rabbitModes.join(", ")} beside "value"`);
  if (config.text("value") === undefined || Number(config.text("value")) === 0)
    config.mistake('"value" is missing; give more than 0 beside "mode"');
  return { mode: mode ?? "QueueLength", value };
}

/** AMQP tells the count of ready messages of one queue and nothing else. */
function checkProtocol(config: TriggerConfig, settings: RabbitSettings): void {
  if (settings.protocol === "http") return;
  const needs = "needs the HTTP API; give a host of http or https";
  if (settings.useRegex) config.mistake(`"useRegex" ${needs}`);
  if (settings.excludeUnacknowledged) config.mistake(`"excludeUnacknowledged" ${needs}`);
  if (settings.timeoutMs !== undefined) config.mistake(`"timeout" ${needs}`);
  if (settings.mode !== "QueueLength") config.mistake(`mode "${settings.mode}" ${needs}`);
}

/** The login to use: one that is given beside the host, else the host's. */
export function loginOf({ login, host }: RabbitSettings): RabbitSettings["login"] {
  return login ?? loginInUrl(host);
}

/** What no message may show. */
export function secretsOf({ host, login, tls }: RabbitSettings): readonly string[] {
  return [...secretsOfUrl(host), ...(login === undefined ? [] : [login.password]), ...secretsOfTls(tls)];
}

import { type Address, readAddresses } from "../clients/address.ts";
import { countField } from "../parameters/thresholds.ts";
import { readTls, type TlsSettings } from "../clients/tls.ts";
import type { ConfigSource, TriggerConfig } from "../parameters/trigger-config.ts";

/** How the servers behind a trigger work together. */
export type RedisTopology = "single" | "cluster" | "sentinel";

/** Where the servers are and how to enter. Source: keda-hpa-spec 15.4. */
export interface RedisSettings {
  readonly topology: RedisTopology;
  /** At least one; those of the sentinels with that topology. */
  readonly addresses: readonly Address[];
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly sentinelUsername: string | undefined;
  readonly sentinelPassword: string | undefined;
  readonly sentinelMaster: string;
  /** Not in a cluster, which has only the first. */
  readonly databaseIndex: number;
  /** Undefined without TLS. */
  readonly tls: TlsSettings | undefined;
}

const addressOrder: readonly ConfigSource[] = ["metadata", "auth", "env"];
const loginOrder: readonly ConfigSource[] = ["metadata", "env", "auth"];

/** Reads what the list and the stream triggers have in common; mistakes are noted in the configuration. */
export function readRedisSettings(config: TriggerConfig, topology: RedisTopology): RedisSettings {
  const tls = readTls(config);
  const sentinelMaster = config.text("sentinelMaster", { from: addressOrder });
  if (topology === "sentinel" && sentinelMaster === undefined)
    config.mistake('"sentinelMaster" is missing; give the name under which the sentinels watch the master');
  return {
    topology,
    addresses: addressesOf(config),
    username: config.text("username", { from: loginOrder }),
    password: config.text("password", { from: loginOrder }),
    sentinelUsername: config.text("sentinelUsername", { from: addressOrder }),
    sentinelPassword: config.text("sentinelPassword", { from: addressOrder }),
    sentinelMaster: sentinelMaster ?? "",
    databaseIndex: countField(config, "databaseIndex", { fallback: 0, least: 0 }),
    tls: isTlsAsked(config) ? tls : undefined,
  };
}

function addressesOf(config: TriggerConfig): Address[] {
  const hosts = eitherList(config, ["host", "hosts"], loginOrder) ?? [];
  const ports = eitherList(config, ["port", "ports"], loginOrder) ?? [];
  const hasPairs = hosts.length > 0 && ports.length > 0;
  if (hasPairs && hosts.length !== ports.length) {
    config.mistake(`${hosts.length} hosts and ${ports.length} ports are given; give one port for each host`);
    return [];
  }
  const texts = [
    ...(eitherList(config, ["address", "addresses"], addressOrder) ?? []),
    ...(hasPairs ? hosts.map((host, index) => `${host.includes(":") ? `[${host}]` : host}:${ports[index] ?? ""}`) : []),
  ];
  if (texts.length === 0)
    config.mistake('no address is given; set "address" to host:port (several with commas), or "host" and "port"');
  return readAddresses(config, texts, "address");
}

function eitherList(
  config: TriggerConfig,
  [one, several]: readonly [string, string],
  from: readonly ConfigSource[],
): readonly string[] | undefined {
  return config.list(one, { from }) ?? config.list(several, { from });
}

function isTlsAsked(config: TriggerConfig): boolean {
  const asked = config.flag("enableTLS");
  const mode = config.choice("tls", ["enable", "disable"], { from: ["auth"] });
  if (config.text("enableTLS") !== undefined && config.text("tls", { from: ["auth"] }) !== undefined)
    config.mistake('"enableTLS" of the metadata and "tls" of the authentication are both set; keep one of them');
  return asked ?? mode === "enable";
}

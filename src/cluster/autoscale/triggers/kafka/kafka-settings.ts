import { type Address, readAddresses } from "../clients/address.ts";
import { countField } from "../parameters/thresholds.ts";
import { readTls, type TlsSettings } from "../clients/tls.ts";
import type { ConfigSource, TriggerConfig } from "../parameters/trigger-config.ts";
import { type LagRules, parsePartitionLimitation, type PartitionRange } from "./kafka-lag.ts";

/** Metadata of a Kafka trigger. Source: keda-hpa-spec 15.6. */
export interface KafkaSettings {
  readonly bootstrapServers: readonly Address[];
  readonly consumerGroup: string;
  /** Undefined for every topic that the group committed an offset of. */
  readonly topic: string | undefined;
  /** Undefined for all. */
  readonly partitions: readonly PartitionRange[] | undefined;
  readonly rules: LagRules;
  readonly activationLagThreshold: number;
  /** Undefined without TLS. */
  readonly tls: TlsSettings | undefined;
  readonly sasl: KafkaLogin | undefined;
}

export interface KafkaLogin {
  readonly mechanism: "plain" | "scram-sha-256" | "scram-sha-512";
  readonly username: string;
  readonly password: string;
}

const eitherOrder: readonly ConfigSource[] = ["metadata", "auth"];
const envOrder: readonly ConfigSource[] = ["metadata", "env"];

const mechanisms = {
  plaintext: "plain",
  scram_sha256: "scram-sha-256",
  scram_sha512: "scram-sha-512",
} as const satisfies Record<string, KafkaLogin["mechanism"]>;

/** Reads it; mistakes are noted in the configuration. */
export function readKafkaSettings(config: TriggerConfig): KafkaSettings {
  const bootstrapServers = readServers(config);
  const consumerGroup = config.text("consumerGroup", { from: envOrder, isRequired: true });
  const topic = config.text("topic", { from: envOrder });
  const tls = readTls(config);
  const isSecure = config.choice("tls", ["enable", "disable"], { from: eitherOrder }) === "enable";
  checkVersion(config);
  // It says whether a client asks for all topics or its own; ours asks for its own always.
  config.flag("fullMetadata");
  return {
    bootstrapServers,
    consumerGroup,
    topic,
    partitions: readPartitions(config, topic),
    rules: readRules(config, topic),
    activationLagThreshold: countField(config, "activationLagThreshold", { fallback: 0, least: 0 }),
    tls: isSecure ? tls : undefined,
    sasl: readLogin(config),
  };
}

function readServers(config: TriggerConfig): Address[] {
  const texts = config.list("bootstrapServers", { from: envOrder, isRequired: true }) ?? [];
  return readAddresses(config, texts, "bootstrap server");
}

/** Numbers of partitions mean nothing across topics. */
function readPartitions(config: TriggerConfig, topic: string | undefined): readonly PartitionRange[] | undefined {
  const text = config.text("partitionLimitation");
  if (text === undefined) return undefined;
  const parsed = parsePartitionLimitation(text);
  if ("wrong" in parsed) {
    config.mistake(
      `"${parsed.wrong}" in "partitionLimitation" is neither a partition nor a range of them, such as 1,3-5`,
    );
    return undefined;
  }
  return topic === undefined ? undefined : parsed.ranges;
}

function readRules(config: TriggerConfig, topic: string | undefined): LagRules {
  const rules = {
    lagThreshold: countField(config, "lagThreshold", { fallback: 10, least: 1 }),
    offsetResetPolicy: config.choice("offsetResetPolicy", ["latest", "earliest"]) ?? "latest",
    allowIdleConsumers: config.flag("allowIdleConsumers") ?? false,
    excludePersistentLag: config.flag("excludePersistentLag") ?? false,
    scaleToZeroOnInvalidOffset: config.flag("scaleToZeroOnInvalidOffset") ?? false,
    limitToPartitionsWithLag: config.flag("limitToPartitionsWithLag") ?? false,
    ensureEvenDistributionOfPartitions: config.flag("ensureEvenDistributionOfPartitions") ?? false,
  };
  const { limitToPartitionsWithLag: limited, ensureEvenDistributionOfPartitions: even } = rules;
  if (limited && rules.allowIdleConsumers)
    config.mistake('"limitToPartitionsWithLag" and "allowIdleConsumers" exclude each other; remove one');
  if (limited && even)
    config.mistake(
      '"limitToPartitionsWithLag" and "ensureEvenDistributionOfPartitions" exclude each other; remove one',
    );
  if (limited && topic === undefined) config.mistake('"limitToPartitionsWithLag" needs a "topic"');
  if (even && topic === undefined) config.mistake('"ensureEvenDistributionOfPartitions" needs a "topic"');
  return rules;
}

/** Versions of requests are agreed on with the brokers, so it is only checked. */
function checkVersion(config: TriggerConfig): void {
  const version = config.text("version");
  if (version !== undefined && !/^\d+\.\d+\.\d+(?:\.\d+)?$/.test(version))
    config.mistake(`"version" is "${version}"; write it as 1.0.0`);
}

function readLogin(config: TriggerConfig): KafkaLogin | undefined {
  const words = ["none", "plaintext", "scram_sha256", "scram_sha512", "oauthbearer", "gssapi"] as const;
  const sasl = config.choice("sasl", words, { from: eitherOrder });
  config.choice("saslTokenProvider", ["bearer", "aws_msk_iam"], { from: eitherOrder });
  if (sasl === undefined || sasl === "none") return undefined;
  if (sasl === "oauthbearer" || sasl === "gssapi") {
    config.mistake(
      `sasl "${sasl}" is not executed by the embedded cluster; use plaintext, scram_sha256, scram_sha512 or certificates`,
    );
    return undefined;
  }
  const username = config.text("username", { from: ["auth"], isRequired: true });
  const password = config.text("password", { from: ["auth"], isRequired: true });
  return { mechanism: mechanisms[sasl], username, password };
}

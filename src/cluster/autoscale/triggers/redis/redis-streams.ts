import { unreadable } from "../clients/client-failure.ts";
import { countField } from "../parameters/thresholds.ts";
import { refusePodIdentity } from "../parameters/pod-identity.ts";
import { externalTargetType } from "../parameters/target-type.ts";
import type { TriggerConfig } from "../parameters/trigger-config.ts";
import type { ExternalTrigger, TriggerKind, TriggerOptions, TriggerWorld } from "../trigger.ts";
import { countOf } from "./redis-lists.ts";
import { RedisSession } from "./redis-session.ts";
import { readRedisSettings, type RedisTopology } from "./redis-settings.ts";

/** Entries of a stream that wait: all, those of a group that nobody has read, or those read and not confirmed. Source: keda-hpa-spec 15.4. */
export const redisStreams: TriggerKind = {
  types: ["redis-streams", "redis-cluster-streams", "redis-sentinel-streams"],
  canCache: true,
  build: buildRedisStream,
};

/** What of a stream is counted, and how much of it one pod should have. */
export type StreamMode =
  | { readonly kind: "lag"; readonly group: string; readonly target: number }
  | { readonly kind: "pending"; readonly group: string; readonly target: number }
  | { readonly kind: "length"; readonly target: number };

/** The first version whose XINFO GROUPS tells a lag. */
const FIRST_MAJOR_WITH_LAG = 7;

async function buildRedisStream(options: TriggerOptions, world: TriggerWorld): Promise<ExternalTrigger> {
  const { config, scaledObject } = options;
  const settings = readRedisSettings(config, topologyOf(options.type));
  const stream = config.text("stream", { isRequired: true });
  const mode = readMode(config);
  const activation = countField(config, "activationLagCount", { fallback: 0, least: 0 });
  const targetType = externalTargetType(options);
  refusePodIdentity(options);
  config.end();
  const reader = new StreamReader(await RedisSession.open(settings, world, scaledObject.namespace), stream, mode);
  const metric = { name: `redis-streams-${stream}`, target: mode.target, targetType, isWhole: true };
  return {
    kind: "external",
    metrics: () => Promise.resolve([metric]),
    async read(_, signal) {
      const count = await reader.read(signal);
      return { values: [count], isActive: count > activation };
    },
    close: () => Promise.resolve(reader.close()),
  };
}

/** A group with `lagCount` is measured by its lag, a group alone by what it has not confirmed, no group by the whole stream. */
function readMode(config: TriggerConfig): StreamMode {
  const group = config.text("consumerGroup");
  const lag = countField(config, "lagCount", { fallback: 0, least: 0 });
  const pending = countField(config, "pendingEntriesCount", { fallback: 5, least: 1 });
  const length = countField(config, "streamLength", { fallback: 5, least: 1 });
  if (group === undefined) return { kind: "length", target: length };
  return lag === 0 ? { kind: "pending", group, target: pending } : { kind: "lag", group, target: lag };
}

function topologyOf(type: string): RedisTopology {
  return type === "redis-cluster-streams" ? "cluster" : type === "redis-sentinel-streams" ? "sentinel" : "single";
}

class StreamReader {
  readonly #session: RedisSession;
  readonly #stream: string;
  readonly #mode: StreamMode;
  #knowsLag = false;

  constructor(session: RedisSession, stream: string, mode: StreamMode) {
    this.#session = session;
    this.#stream = stream;
    this.#mode = mode;
  }

  /** @throws Failure `TriggerUnreadable` */
  async read(signal: AbortSignal): Promise<number> {
    const mode = this.#mode;
    if (mode.kind === "length") return this.#length(signal);
    if (mode.kind === "lag") return this.#lag(mode.group, signal);
    const action = `read the pending entries of group "${mode.group}" of stream "${this.#stream}"`;
    const reply = await this.#send(action, ["XPENDING", this.#stream, mode.group], signal);
    return countOf(Array.isArray(reply) ? reply[0] : undefined, action);
  }

  close(): void {
    this.#session.close();
  }

  async #length(signal: AbortSignal): Promise<number> {
    const action = `read the length of stream "${this.#stream}"`;
    return countOf(await this.#send(action, ["XLEN", this.#stream], signal), action);
  }

  async #lag(group: string, signal: AbortSignal): Promise<number> {
    const action = `read the lag of group "${group}" of stream "${this.#stream}"`;
    if (!this.#knowsLag) {
      const info = await this.#send(action, ["INFO", "server"], signal);
      const problem = problemOfVersion(typeof info === "string" ? info : "");
      if (problem !== undefined) throw unreadable(`Cannot ${action}: ${problem}`);
      this.#knowsLag = true;
    }
    // XINFO fails for an absent stream, and errors are not told apart by their texts.
    const exists = await this.#send(action, ["EXISTS", this.#stream], signal);
    if (exists === 0) return 0;
    const lag = lagOf(await this.#send(action, ["XINFO", "GROUPS", this.#stream], signal), group);
    // Without a group, which its consumers may make only once they run, everything is still to be read.
    if (lag === "no group") return this.#length(signal);
    if (lag === "unknown")
      throw unreadable(
        `Cannot ${action}: the server cannot tell it, because entries in the middle of the stream were deleted; use pendingEntriesCount or streamLength`,
      );
    return lag;
  }

  #send(action: string, args: readonly string[], signal: AbortSignal): Promise<unknown> {
    return this.#session.send({ action, key: this.#stream, args }, signal);
  }
}

/** Why a server cannot tell a lag, from its `INFO server`; undefined when it can. */
export function problemOfVersion(info: string): string | undefined {
  const version = /^redis_version:(\d+)\.?(\S*)/m.exec(info);
  if (version === null) return "the server does not tell its version";
  if (Number(version[1]) >= FIRST_MAJOR_WITH_LAG) return undefined;
  return `lagCount needs Redis ${FIRST_MAJOR_WITH_LAG} or later, the server is ${version[1] ?? ""}.${version[2] ?? ""}`;
}

/** The lag of a group in a reply to XINFO GROUPS: one list of names and values for each group. */
export function lagOf(reply: unknown, group: string): number | "no group" | "unknown" {
  for (const fields of Array.isArray(reply) ? reply : []) {
    if (!Array.isArray(fields) || fieldOf(fields, "name") !== group) continue;
    const lag = fieldOf(fields, "lag");
    return typeof lag === "number" ? lag : "unknown";
  }
  return "no group";
}

function fieldOf(fields: readonly unknown[], name: string): unknown {
  for (let index = 0; index + 1 < fields.length; index += 2) if (fields[index] === name) return fields[index + 1];
  return undefined;
}

import { countField } from "../parameters/thresholds.ts";
import { refusePodIdentity } from "../parameters/pod-identity.ts";
import { externalTargetType } from "../parameters/target-type.ts";
import { unreadable } from "../clients/client-failure.ts";
import type { ExternalTrigger, TriggerKind, TriggerOptions, TriggerWorld } from "../trigger.ts";
import { RedisSession } from "./redis-session.ts";
import { readRedisSettings, type RedisTopology } from "./redis-settings.ts";

/** Length of a list, set, sorted set or hash of Redis. Source: keda-hpa-spec 15.4. */
export const redisLists: TriggerKind = {
  types: ["redis", "redis-cluster", "redis-sentinel"],
  canCache: true,
  build: buildRedisList,
};

/** Counts by the type of the key in one step, so that it cannot change in between; an absent key counts as an empty list. */
const LENGTH_SCRIPT = `
local counts = { list = 'LLEN', none = 'LLEN', set = 'SCARD', zset = 'ZCARD', hash = 'HLEN' }
local kind = redis.call('TYPE', KEYS[1]).ok
if not counts[kind] then return redis.error_reply('a key of type ' .. kind .. ' has no length') end
return redis.call(counts[kind], KEYS[1])`;

async function buildRedisList(options: TriggerOptions, world: TriggerWorld): Promise<ExternalTrigger> {
  const { config, scaledObject } = options;
  const settings = readRedisSettings(config, topologyOf(options.type));
  const listName = config.text("listName", { isRequired: true });
  const listLength = countField(config, "listLength", { fallback: 5, least: 1 });
  const activation = countField(config, "activationListLength", { fallback: 0, least: 0 });
  const targetType = externalTargetType(options);
  refusePodIdentity(options);
  config.end();
  const session = await RedisSession.open(settings, world, scaledObject.namespace);
  return {
    kind: "external",
    metrics: () => Promise.resolve([{ name: `redis-${listName}`, target: listLength, targetType, isWhole: true }]),
    async read(_, signal) {
      const action = `read the length of "${listName}"`;
      const reply = await session.send({ action, key: listName, args: ["EVAL", LENGTH_SCRIPT, "1", listName] }, signal);
      const length = countOf(reply, action);
      return { values: [length], isActive: length > activation };
    },
    close: () => Promise.resolve(session.close()),
  };
}

function topologyOf(type: string): RedisTopology {
  return type === "redis-cluster" ? "cluster" : type === "redis-sentinel" ? "sentinel" : "single";
}

/** A count out of a reply. @throws Failure `TriggerUnreadable` */
export function countOf(reply: unknown, action: string): number {
  if (typeof reply === "number" && reply >= 0) return reply;
  throw unreadable(`Cannot ${action}: the server's answer is no count`);
}

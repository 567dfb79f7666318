import { refusePodIdentity } from "../parameters/pod-identity.ts";
import { externalTargetType } from "../parameters/target-type.ts";
import type { ExternalTrigger, TriggerKind, TriggerOptions, TriggerWorld } from "../trigger.ts";
import { type CommittedOffsets, groupLagOf } from "./kafka-lag.ts";
import { KafkaSession } from "./kafka-session.ts";
import { readKafkaSettings } from "./kafka-settings.ts";

/** Messages of Kafka's topics that a group of consumers has before it. Source: keda-hpa-spec 15.6. */
export const kafka: TriggerKind = { types: ["kafka"], canCache: true, build: buildKafka };

async function buildKafka(options: TriggerOptions, world: TriggerWorld): Promise<ExternalTrigger> {
  const { config, scaledObject } = options;
  const settings = readKafkaSettings(config);
  const targetType = externalTargetType(options);
  refusePodIdentity(options);
  config.end();
  const { topic, consumerGroup, rules, activationLagThreshold } = settings;
  const session = await KafkaSession.open(settings, world, scaledObject.namespace);
  const name = topic === undefined ? `kafka-${consumerGroup}-topics` : `kafka-${topic}`;
  const metric = { name, target: rules.lagThreshold, targetType, isWhole: true };
  // Lives and dies with the trigger: after a rebuild every partition counts as moving once.
  let previous: CommittedOffsets = new Map();
  return {
    kind: "external",
    metrics: () => Promise.resolve([metric]),
    async read(_, signal) {
      const { lag, activationLag, committed } = groupLagOf(await session.read(signal), rules, previous);
      previous = committed;
      return { values: [lag], isActive: activationLag > activationLagThreshold };
    },
    close: () => session.close(),
  };
}

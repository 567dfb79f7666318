import { refusePodIdentity } from "../parameters/pod-identity.ts";
import { externalTargetType } from "../parameters/target-type.ts";
import type { ExternalTrigger, TriggerKind, TriggerOptions, TriggerWorld } from "../trigger.ts";
import { AmqpSession } from "./amqp-session.ts";
import { ManagementApi } from "./management-api.ts";
import { type QueueSight, readingOf } from "./queue-reading.ts";
import { readRabbitSettings, type RabbitSettings } from "./rabbitmq-settings.ts";

/** Length and rates of RabbitMQ's queues, over AMQP or the management API. Source: keda-hpa-spec 15.5. */
export const rabbitMq: TriggerKind = { types: ["rabbitmq"], canCache: true, build: buildRabbitMq };

async function buildRabbitMq(options: TriggerOptions, world: TriggerWorld): Promise<ExternalTrigger> {
  const settings = readRabbitSettings(options.config);
  const { queueName, mode, value, activationValue } = settings;
  const targetType = externalTargetType(options);
  refusePodIdentity(options);
  options.config.end();
  const source = await openSource(settings, options, world);
  const name = `rabbitmq-${queryEscape(queueName)}`;
  const metric = { name, target: value, targetType, isWhole: Number.isInteger(value) };
  return {
    kind: "external",
    metrics: () => Promise.resolve([metric]),
    async read(_, signal) {
      const reading = readingOf(mode, await source.read(signal), activationValue);
      return { values: [reading.value], isActive: reading.isActive };
    },
    close: () => source.close(),
  };
}

interface QueueSource {
  read(signal: AbortSignal): Promise<QueueSight>;
  close(): Promise<void>;
}

async function openSource(
  settings: RabbitSettings,
  { scaledObject }: TriggerOptions,
  world: TriggerWorld,
): Promise<QueueSource> {
  if (settings.protocol === "http") return new ManagementApi(settings, world, scaledObject.namespace);
  const session = await AmqpSession.open(settings, world, scaledObject);
  return {
    read: async (signal) => ({ messageCount: await session.readyCount(signal), publishRate: 0, deliverRate: 0 }),
    close: () => session.close(),
  };
}

/** Escapes as Go's `url.QueryEscape` does, which is in names of metrics that people wrote into dashboards. */
function queryEscape(text: string): string {
  return encodeURIComponent(text)
    .replaceAll("%20", "+")
    .replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

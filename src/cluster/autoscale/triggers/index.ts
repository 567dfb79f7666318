import { createExternalTriggers } from "./external/external.ts";
import { kafka } from "./kafka/kafka.ts";
import { mysqlTrigger } from "./mysql/mysql.ts";
import { natsJetStream } from "./nats-jetstream/nats-jetstream.ts";
import { postgresqlTrigger } from "./postgresql/postgresql.ts";
import { rabbitMq } from "./rabbitmq/rabbitmq.ts";
import { redisLists } from "./redis/redis-lists.ts";
import { redisStreams } from "./redis/redis-streams.ts";
import { cron } from "./cron/cron.ts";
import { kubernetesResource } from "./kubernetes-resource.ts";
import { kubernetesWorkload } from "./kubernetes-workload.ts";
import { metricsApi } from "./metrics-api/metrics-api.ts";
import { prometheus } from "./prometheus/prometheus.ts";
import { resourceUsage } from "./resource-usage.ts";
import type { TriggerKind } from "./trigger.ts";

/** Every kind of trigger. To add one: a file, or a folder of its name, that exports a {@link TriggerKind}, and its name here. */
export const triggerKinds: readonly TriggerKind[] = [
  ...createExternalTriggers(),
  kafka,
  mysqlTrigger,
  natsJetStream,
  postgresqlTrigger,
  rabbitMq,
  redisLists,
  redisStreams,
  cron,
  kubernetesResource,
  kubernetesWorkload,
  metricsApi,
  prometheus,
  resourceUsage,
];

export type * from "./trigger.ts";
export { TriggerConfig, type TriggerConfigSources } from "./parameters/trigger-config.ts";
export { lookupIn } from "./clients/cluster-lookup.ts";
export { withDeadline } from "./clients/deadline.ts";

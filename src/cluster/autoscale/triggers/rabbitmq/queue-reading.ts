import { isObject } from "#base";

/** What is measured of a queue. Source: keda-hpa-spec 15.5. */
export const rabbitModes = [
  "QueueLength",
  "MessageRate",
  "DeliverGetRate",
  "PublishedToDeliveredRatio",
  "ExpectedQueueConsumptionTime",
] as const;

export type RabbitMode = (typeof rabbitModes)[number];

/** How several queues become one. */
export const rabbitOperations = ["sum", "avg", "max"] as const;

export type RabbitOperation = (typeof rabbitOperations)[number];

/** A queue, or several as one. Rates are in messages per second. */
export interface QueueSight {
  /** Those that count as waiting. */
  readonly messageCount: number;
  readonly publishRate: number;
  readonly deliverRate: number;
}

/**
 * The value of a mode, and whether there is work. Rates alone say nothing when nobody consumes: then the value is the
 * activation threshold and the consumers are started.
 *
 * Source: keda-hpa-spec 15.5.
 */
export function readingOf(
  mode: RabbitMode,
  { messageCount, publishRate, deliverRate }: QueueSight,
  activation: number,
): { readonly value: number; readonly isActive: boolean } {
  switch (mode) {
    case "QueueLength":
      return { value: messageCount, isActive: messageCount > activation };
    case "MessageRate":
      return { value: publishRate, isActive: publishRate > activation || messageCount > activation };
    case "DeliverGetRate":
      return { value: deliverRate, isActive: deliverRate > activation };
    case "PublishedToDeliveredRatio": {
      if (publishRate > 0 && deliverRate === 0) return { value: activation, isActive: true };
      const ratio = publishRate > 0 ? publishRate / deliverRate : 0;
      return { value: ratio, isActive: ratio > activation };
    }
    case "ExpectedQueueConsumptionTime": {
      if (deliverRate === 0) return { value: activation, isActive: true };
      const seconds = (publishRate - deliverRate) / deliverRate + messageCount / deliverRate;
      return { value: seconds, isActive: seconds > activation };
    }
  }
}

/** Several queues as one; none is an empty one. Averages of messages are cut to whole ones. */
export function combineQueues(queues: readonly QueueSight[], operation: RabbitOperation): QueueSight {
  const over = (pick: (queue: QueueSight) => number): number => combine(queues.map(pick), operation);
  return {
    messageCount: Math.trunc(over((queue) => queue.messageCount)),
    publishRate: over((queue) => queue.publishRate),
    deliverRate: over((queue) => queue.deliverRate),
  };
}

function combine(values: readonly number[], operation: RabbitOperation): number {
  if (values.length === 0) return 0;
  if (operation === "max") return values.reduce((most, value) => Math.max(most, value), 0);
  const sum = values.reduce((total, value) => total + value, 0);
  return operation === "sum" ? sum : sum / values.length;
}

/** Reads a queue out of the management API's JSON. Counts and rates that nothing was measured for yet are absent: zero. */
export function queueIn(answer: unknown, { isReadyOnly }: { readonly isReadyOnly: boolean }): QueueSight | undefined {
  if (!isObject(answer)) return undefined;
  const stats = answer.message_stats;
  return {
    messageCount: numberIn(answer, isReadyOnly ? "messages_ready" : "messages"),
    publishRate: numberIn(fieldOf(stats, "publish_details"), "rate"),
    deliverRate: numberIn(fieldOf(stats, "deliver_get_details"), "rate"),
  };
}

/** Reads a page of queues; undefined when it is none. */
export function queuesIn(
  answer: unknown,
  options: { readonly isReadyOnly: boolean },
): { readonly queues: readonly QueueSight[]; readonly pageCount: number } | undefined {
  const items = fieldOf(answer, "items");
  if (!Array.isArray(items)) return undefined;
  return { queues: items.flatMap((item) => queueIn(item, options) ?? []), pageCount: numberIn(answer, "page_count") };
}

function fieldOf(value: unknown, name: string): unknown {
  return isObject(value) ? value[name] : undefined;
}

function numberIn(value: unknown, name: string): number {
  const number = fieldOf(value, name);
  return typeof number === "number" && number > 0 ? number : 0;
}

import { expect, it } from "vitest";
import { combineQueues, queueIn, queuesIn, type RabbitMode, rabbitModes, readingOf } from "./queue-reading.ts";

const amounts = [0, 1, 2, 8] as const;

/** Every combination of a few amounts, so that no branch hides. */
function everyQueue() {
  return amounts.flatMap((messageCount) =>
    amounts.flatMap((publishRate) => amounts.map((deliverRate) => ({ messageCount, publishRate, deliverRate }))),
  );
}

/** The definitions once more, one line each, in the words of the reference (15.5). */
const definitions: Readonly<
  Record<RabbitMode, (queue: ReturnType<typeof everyQueue>[number], activation: number) => [number, boolean]>
> = {
  QueueLength: ({ messageCount: m }, a) => [m, m > a],
  MessageRate: ({ messageCount: m, publishRate: p }, a) => [p, Math.max(p, m) > a],
  DeliverGetRate: ({ deliverRate: d }, a) => [d, d > a],
  PublishedToDeliveredRatio: ({ publishRate: p, deliverRate: d }, a) =>
    p === 0 ? [0, a < 0] : d === 0 ? [a, true] : [p / d, p > a * d],
  ExpectedQueueConsumptionTime: ({ messageCount: m, publishRate: p, deliverRate: d }, a) =>
    d === 0 ? [a, true] : [(p - d + m) / d, p - d + m > a * d],
};

it.each(rabbitModes)("readingOf %s is as defined for every queue and activation", (mode) => {
  for (const queue of everyQueue())
    for (const activation of [0, 1, 4]) {
      const [value, isActive] = definitions[mode](queue, activation);
      const reading = readingOf(mode, queue, activation);
      expect(reading.value, JSON.stringify({ queue, activation })).toBeCloseTo(value, 10);
      expect(reading.isActive, JSON.stringify({ queue, activation })).toBe(isActive);
    }
});

it.each([
  ["MessageRate", { messageCount: 3, publishRate: 0, deliverRate: 0 }, 2, { value: 0, isActive: true }],
  ["PublishedToDeliveredRatio", { messageCount: 0, publishRate: 9, deliverRate: 0 }, 5, { value: 5, isActive: true }],
  ["PublishedToDeliveredRatio", { messageCount: 0, publishRate: 9, deliverRate: 3 }, 5, { value: 3, isActive: false }],
  [
    "ExpectedQueueConsumptionTime",
    { messageCount: 0, publishRate: 0, deliverRate: 0 },
    5,
    { value: 5, isActive: true },
  ],
  [
    "ExpectedQueueConsumptionTime",
    { messageCount: 0, publishRate: 1, deliverRate: 2 },
    0,
    { value: -0.5, isActive: false },
  ],
  [
    "ExpectedQueueConsumptionTime",
    { messageCount: 10, publishRate: 4, deliverRate: 2 },
    5,
    { value: 6, isActive: true },
  ],
] as const)("readingOf %s of %j above %d", (mode, queue, activation, reading) => {
  expect(readingOf(mode, queue, activation)).toEqual(reading);
});

const three = [
  { messageCount: 1, publishRate: 0.5, deliverRate: 3 },
  { messageCount: 2, publishRate: 1.5, deliverRate: 0 },
  { messageCount: 5, publishRate: 1, deliverRate: 0 },
];

it.each([
  ["sum", { messageCount: 8, publishRate: 3, deliverRate: 3 }],
  ["avg", { messageCount: 2, publishRate: 1, deliverRate: 1 }],
  ["max", { messageCount: 5, publishRate: 1.5, deliverRate: 3 }],
] as const)("combineQueues makes one by %s, and an empty one of none", (operation, one) => {
  expect(combineQueues(three, operation)).toEqual(one);
  expect(combineQueues([], operation)).toEqual({ messageCount: 0, publishRate: 0, deliverRate: 0 });
});

const stats = { publish_details: { rate: 1.5 }, deliver_get_details: { rate: 0.5 } };

it.each([
  [
    { messages: 7, messages_ready: 4, message_stats: stats },
    false,
    { messageCount: 7, publishRate: 1.5, deliverRate: 0.5 },
  ],
  [
    { messages: 7, messages_ready: 4, message_stats: stats },
    true,
    { messageCount: 4, publishRate: 1.5, deliverRate: 0.5 },
  ],
  [{ name: "new" }, false, { messageCount: 0, publishRate: 0, deliverRate: 0 }],
  [
    { messages: -1, message_stats: { publish_details: { rate: "x" } } },
    false,
    { messageCount: 0, publishRate: 0, deliverRate: 0 },
  ],
  [[], false, undefined],
  ["nonsense", false, undefined],
])("queueIn reads %j with ready only %s", (answer, isReadyOnly, queue) => {
  expect(queueIn(answer, { isReadyOnly })).toEqual(queue);
});

it("queuesIn reads the page and how many there are", () => {
  const page = { page_count: 3, items: [{ messages: 1 }, "nonsense", { messages: 2 }] };
  expect(queuesIn(page, { isReadyOnly: false })).toMatchObject({
    pageCount: 3,
    queues: [{ messageCount: 1 }, { messageCount: 2 }],
  });
  expect(queuesIn([{ messages: 1 }], { isReadyOnly: false })).toBeUndefined();
});

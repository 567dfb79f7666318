import { expect, it } from "vitest";
import {
  groupLagOf,
  isInRanges,
  type LagRules,
  limitLag,
  parsePartitionLimitation,
  type PartitionOffsets,
} from "./kafka-lag.ts";

const rules: LagRules = {
  lagThreshold: 10,
  offsetResetPolicy: "latest",
  allowIdleConsumers: false,
  excludePersistentLag: false,
  scaleToZeroOnInvalidOffset: false,
  limitToPartitionsWithLag: false,
  ensureEvenDistributionOfPartitions: false,
};

/** Partitions of one topic from pairs of committed and newest offset. */
function topic(...offsets: readonly (readonly [number, number | undefined])[]): PartitionOffsets[] {
  return offsets.map(([committed, newest], partition) => ({
    topic: "orders",
    partition,
    committed: BigInt(committed),
    newest: newest === undefined ? undefined : BigInt(newest),
  }));
}

const none = new Map<string, bigint>();

it.each([
  ["newest minus committed, added up", {}, topic([3, 5], [0, 4]), { lag: 6, activationLag: 6 }],
  ["latest: one for each partition without an offset", {}, topic([-1, 50], [-1, 70]), { lag: 2, activationLag: 2 }],
  [
    "latest with the flag: nothing",
    { scaleToZeroOnInvalidOffset: true },
    topic([-1, 50]),
    { lag: 0, activationLag: 0 },
  ],
  [
    "earliest: all of it",
    { offsetResetPolicy: "earliest", allowIdleConsumers: true },
    topic([-1, 50], [-1, 3]),
    { lag: 53, activationLag: 53 },
  ],
  [
    "earliest with the flag: nothing",
    { offsetResetPolicy: "earliest", scaleToZeroOnInvalidOffset: true },
    topic([-1, 50]),
    { lag: 0, activationLag: 0 },
  ],
  ["a partition without a newest offset: nothing", {}, topic([3, undefined], [3, 5]), { lag: 2, activationLag: 2 }],
  ["at most a threshold for each partition", {}, topic([0, 500], [0, 1]), { lag: 20, activationLag: 501 }],
  ["no partition at all", {}, [], { lag: 0, activationLag: 0 }],
  [
    "offsets beyond what a double holds",
    { allowIdleConsumers: true },
    [{ topic: "t", partition: 0, committed: 9007199254740993n, newest: 9007199254740998n }],
    { lag: 5, activationLag: 5 },
  ],
] as const)("groupLagOf counts %s", (_what, change, partitions, expected) => {
  expect(groupLagOf(partitions, { ...rules, ...change }, none)).toEqual({ ...expected, committed: new Map() });
});

it("groupLagOf with excludePersistentLag leaves a partition out while its offset stands still, but not for activation", () => {
  const strict = { ...rules, excludePersistentLag: true };
  const first = groupLagOf(topic([3, 5], [3, 7]), strict, none);
  expect(first).toMatchObject({ lag: 6, activationLag: 6 });
  const stuck = groupLagOf(topic([3, 9], [4, 7]), strict, first.committed);
  expect(stuck).toMatchObject({ lag: 3, activationLag: 9 });
  const both = groupLagOf(topic([3, 9], [4, 8]), strict, stuck.committed);
  expect(both).toMatchObject({ lag: 0, activationLag: 10 });
  const goesOn = groupLagOf(topic([5, 9], [4, 8]), strict, both.committed);
  expect(goesOn).toMatchObject({ lag: 4, activationLag: 8 });
});

it("groupLagOf with excludePersistentLag forgets partitions that are gone and keeps those that an answer left out", () => {
  const strict = { ...rules, excludePersistentLag: true };
  const { committed } = groupLagOf(topic([3, 5], [3, 7]), strict, none);
  const hidden = groupLagOf(topic([3, undefined]), strict, committed);
  expect(hidden).toEqual({ lag: 0, activationLag: 0, committed: new Map([["orders 0", 3n]]) });
  expect(groupLagOf(topic([-1, 5]), strict, committed).committed.size).toBe(0);
});

it("limitLag is as defined for every lag, number of partitions and choice of limits", () => {
  for (let total = 0; total <= 70; total += 1)
    for (let partitionCount = 1; partitionCount <= 6; partitionCount += 1)
      for (let withLagCount = 0; withLagCount <= partitionCount; withLagCount += 1)
        for (const lagThreshold of [1, 4, 10]) {
          const counts = { partitionCount, withLagCount };
          const limit = (change: Partial<LagRules>) => limitLag(total, { ...rules, lagThreshold, ...change }, counts);
          const where = JSON.stringify({ total, lagThreshold, ...counts });
          expect(limit({}), where).toBe(Math.min(total, partitionCount * lagThreshold));
          expect(limit({ allowIdleConsumers: true }), where).toBe(total);
          expect(limit({ limitToPartitionsWithLag: true }), where).toBe(Math.min(total, withLagCount * lagThreshold));
          const even = limit({ ensureEvenDistributionOfPartitions: true });
          const pods = even / lagThreshold;
          expect(partitionCount % pods, where).toBe(0);
          // Enough when any divisor is enough, and no smaller one is.
          const divisors = [1, 2, 3, 4, 5, 6].filter((each) => partitionCount % each === 0);
          const enough = divisors.filter((each) => each * lagThreshold >= total);
          expect(pods, where).toBe(enough[0] ?? partitionCount);
          expect(limit({ ensureEvenDistributionOfPartitions: true, allowIdleConsumers: true }), where).toBe(even);
        }
});

it.each([
  ["1,3-5", [1, 3, 4, 5]],
  [" 0 , 2 - 2 ", [0, 2]],
  ["7", [7]],
])("parsePartitionLimitation and isInRanges take %j", (text, taken) => {
  const parsed = parsePartitionLimitation(text);
  if ("wrong" in parsed) throw new Error(`refused ${parsed.wrong}`);
  expect([0, 1, 2, 3, 4, 5, 6, 7].filter((each) => isInRanges(each, parsed.ranges))).toEqual(taken);
});

it.each([
  ["1,x", "x"],
  ["1-2-3", "1-2-3"],
  ["5-3", "5-3"],
  ["-1", "-1"],
  ["1,,2", ""],
  ["99999999999", "99999999999"],
])("parsePartitionLimitation refuses %j for %j", (text, wrong) => {
  expect(parsePartitionLimitation(text)).toEqual({ wrong });
});

it("isInRanges takes every partition without a limitation, and a huge range costs nothing", () => {
  expect(isInRanges(5, undefined)).toBe(true);
  const parsed = parsePartitionLimitation("0-999999999");
  expect("ranges" in parsed && isInRanges(123_456_789, parsed.ranges)).toBe(true);
});

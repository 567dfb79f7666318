/**
 * How much of its topics a group of Kafka consumers has before it, and how much of that should make pods.
 *
 * Pure. Source: keda-hpa-spec 15.6.
 */

/** One partition as the brokers tell it. */
export interface PartitionOffsets {
  readonly topic: string;
  readonly partition: number;
  /** Next message that the group will read; -1 when it never committed any. */
  readonly committed: bigint;
  /** Offset that the next message will get; undefined when the brokers left the partition out of their answer. */
  readonly newest: bigint | undefined;
}

export interface LagRules {
  /** Messages that one pod may have before it; above 0. */
  readonly lagThreshold: number;
  readonly offsetResetPolicy: "latest" | "earliest";
  readonly allowIdleConsumers: boolean;
  readonly excludePersistentLag: boolean;
  readonly scaleToZeroOnInvalidOffset: boolean;
  readonly limitToPartitionsWithLag: boolean;
  readonly ensureEvenDistributionOfPartitions: boolean;
}

/** Committed offsets of the last reading, by {@link partitionKey}; only of partitions whose lag moves. */
export type CommittedOffsets = ReadonlyMap<string, bigint>;

export interface GroupLag {
  /** For the autoscaler, after every limit. */
  readonly lag: number;
  /** For activation: without limits, and with partitions that are stuck. */
  readonly activationLag: number;
  /** To be given to the next reading. */
  readonly committed: CommittedOffsets;
}

/** Adds up the partitions and applies the limits. */
export function groupLagOf(
  partitions: readonly PartitionOffsets[],
  rules: LagRules,
  previous: CommittedOffsets,
): GroupLag {
  const known = partitions.filter(({ newest }) => newest !== undefined);
  const each = known.map((partition) => partitionLagOf(partition, rules, previous));
  const total = each.reduce((sum, { lag }) => sum + lag, 0);
  return {
    lag: limitLag(total, rules, {
      partitionCount: known.length,
      withLagCount: each.filter(({ lag }) => lag > 0).length,
    }),
    activationLag: each.reduce((sum, { activationLag }) => sum + activationLag, 0),
    committed: rules.excludePersistentLag ? nextCommitted(partitions, previous) : new Map(),
  };
}

const NEVER_COMMITTED = -1n;

/** A partition that the brokers left out once keeps what was known of it. */
function nextCommitted(partitions: readonly PartitionOffsets[], previous: CommittedOffsets): CommittedOffsets {
  const next = new Map<string, bigint>();
  for (const partition of partitions) {
    const key = partitionKey(partition);
    const offset = partition.newest === undefined ? previous.get(key) : partition.committed;
    if (offset !== undefined && offset !== NEVER_COMMITTED) next.set(key, offset);
  }
  return next;
}

/** Topics cannot have a space in their name. */
function partitionKey({ topic, partition }: Pick<PartitionOffsets, "topic" | "partition">): string {
  return `${topic} ${partition}`;
}

/**
 * A group that never committed would start at the end (one message, so that it starts at all) or at the beginning
 * (everything). A partition whose committed offset did not move since the last reading is stuck: more pods would not help.
 */
function partitionLagOf(
  partition: PartitionOffsets,
  rules: LagRules,
  previous: CommittedOffsets,
): { readonly lag: number; readonly activationLag: number } {
  const { committed, newest } = partition;
  if (newest === undefined) return same(0);
  if (committed === NEVER_COMMITTED) {
    if (rules.scaleToZeroOnInvalidOffset) return same(0);
    return same(rules.offsetResetPolicy === "latest" ? 1 : Number(newest));
  }
  const lag = Number(newest - committed);
  const isStuck = rules.excludePersistentLag && previous.get(partitionKey(partition)) === committed;
  return isStuck ? { lag: 0, activationLag: lag } : same(lag);
}

function same(lag: number): { readonly lag: number; readonly activationLag: number } {
  return { lag, activationLag: lag };
}

/**
 * A partition is read by one consumer at a time, so more pods than partitions would idle. With an even distribution the
 * pods are a divisor of the partitions, and each has as many of them.
 */
export function limitLag(
  total: number,
  rules: LagRules,
  { partitionCount, withLagCount }: { readonly partitionCount: number; readonly withLagCount: number },
): number {
  const { lagThreshold, allowIdleConsumers, limitToPartitionsWithLag, ensureEvenDistributionOfPartitions } = rules;
  if (allowIdleConsumers && !limitToPartitionsWithLag && !ensureEvenDistributionOfPartitions) return total;
  const pods = ensureEvenDistributionOfPartitions ? evenPods(total / lagThreshold, partitionCount) : undefined;
  const most = (limitToPartitionsWithLag ? withLagCount : partitionCount) * lagThreshold;
  return Math.min(pods === undefined ? total : pods * lagThreshold, most);
}

/** The least divisor of the partitions that is enough, or all of them. */
function evenPods(needed: number, partitionCount: number): number {
  for (let pods = 1; pods < partitionCount; pods += 1) if (partitionCount % pods === 0 && pods >= needed) return pods;
  return partitionCount;
}

/** Partitions from one to another, both included. */
export interface PartitionRange {
  readonly first: number;
  readonly last: number;
}

/** Reads `1,3-5`; an error names the part that is wrong. */
export function parsePartitionLimitation(
  text: string,
): { readonly ranges: PartitionRange[] } | { readonly wrong: string } {
  const ranges: PartitionRange[] = [];
  for (const part of text.split(",").map((each) => each.trim())) {
    const match = /^(\d{1,9})(?:\s*-\s*(\d{1,9}))?$/.exec(part);
    if (match === null) return { wrong: part };
    const first = Number(match[1]);
    const last = match[2] === undefined ? first : Number(match[2]);
    if (last < first) return { wrong: part };
    ranges.push({ first, last });
  }
  return { ranges };
}

/** Whether the limitation, if there is one, has the partition. */
export function isInRanges(partition: number, ranges: readonly PartitionRange[] | undefined): boolean {
  return ranges === undefined || ranges.some(({ first, last }) => partition >= first && partition <= last);
}

import { expect, test } from "vitest";
import { type Random, seededRandom } from "#base";
import { DEFAULT_LEASE_TIMINGS, type LeaseTimings } from "./lease-step.ts";
import { createLeaseWorld, type LeaseWorld, type Machine } from "./lease-world.ts";

const SCHEDULE_COUNT = 2000;
const EVENT_COUNT = 6;

/** Something that goes wrong on one machine, or goes right again. */
function disturb(machine: Machine & { wake(): void }, random: Random): void {
  const chance = random.next();
  if (chance < 0.35) machine.isCut = !machine.isCut;
  else if (chance < 0.6) {
    machine.isPaused = !machine.isPaused;
    machine.isAsleep = machine.isPaused && random.next() < 0.5;
    if (!machine.isPaused) machine.wake();
  } else if (chance < 0.75) machine.setClock((random.next() - 0.5) * 120_000);
  else if (chance < 0.85) void machine.stop();
  else if (chance < 0.9) machine.crash();
}

async function schedule(seed: number, timings: LeaseTimings, maxDrift: number): Promise<readonly string[]> {
  const world = createLeaseWorld({ seed, machineCount: 3, timings, maxDelayMs: 3000, maxDrift });
  const random = seededRandom(seed + 1_000_000);
  for (let event = 0; event < EVENT_COUNT; event++) {
    await world.run(500 + random.next() * 9000);
    const machine = world.machines[Math.floor(random.next() * world.machines.length)];
    if (machine !== undefined) disturb(machine as Machine & { wake(): void }, random);
  }
  await world.run(15_000);
  return world.faults;
}

test(`createLeaseElector: in ${SCHEDULE_COUNT} schedules of cuts, pauses, sleep, set clocks and slow networks nobody writes beside the leader`, async () => {
  for (let seed = 0; seed < SCHEDULE_COUNT; seed++)
    expect(await schedule(seed, DEFAULT_LEASE_TIMINGS, 0.05), `seed ${seed}`).toEqual([]);
}, 120_000);

/** The leader is cut off, and clocks differ in speed by up to a tenth to each side. */
async function cutLeader(seed: number, timings: LeaseTimings): Promise<readonly string[]> {
  const world = createLeaseWorld({ seed, machineCount: 3, timings, maxDelayMs: 300, maxDrift: 0.1 });
  await world.run(6000);
  for (const machine of world.machines) if (machine.elector.isLeader) machine.isCut = true;
  await world.run(20_000);
  return world.faults;
}

test("createLeaseElector: the margin is what keeps a leader that is cut off from leading beside the next", async () => {
  const tight = { ...DEFAULT_LEASE_TIMINGS, renewDeadlineMs: 11_900 };
  const found = new Set<number>();
  for (let seed = 0; seed < 100; seed++) {
    expect(await cutLeader(seed, DEFAULT_LEASE_TIMINGS), `seed ${seed}`).toEqual([]);
    if ((await cutLeader(seed, tight)).length > 0) found.add(seed);
  }
  expect(found.size).toBeGreaterThan(0);
});

function calmWorld(seed: number): LeaseWorld {
  return createLeaseWorld({ seed, machineCount: 3, timings: DEFAULT_LEASE_TIMINGS, maxDelayMs: 200, maxDrift: 0.01 });
}

/** Milliseconds until another machine leads. */
async function handOver(world: LeaseWorld, from: Machine): Promise<number> {
  const startedMs = world.nowMs;
  const hasNext = (): boolean => world.machines.some((machine) => machine !== from && machine.elector.isLeader);
  while (!hasNext() && world.nowMs - startedMs < 60_000) await world.run(10);
  return world.nowMs - startedMs;
}

test("createLeaseElector: hands over within 15 s of a crash and 2 s of a stop in order, whenever it happens", async () => {
  let slowestCrashMs = 0;
  let slowestStopMs = 0;
  for (let seed = 0; seed < 100; seed++) {
    for (const way of ["crash", "stop"] as const) {
      const world = calmWorld(seed);
      await world.run(5000 + seed * 37);
      const leader = world.machines.find((machine) => machine.elector.isLeader);
      expect(leader, `seed ${seed}`).toBeDefined();
      if (leader === undefined) continue;
      if (way === "crash") leader.crash();
      else await leader.stop();
      const ms = await handOver(world, leader);
      if (way === "crash") slowestCrashMs = Math.max(slowestCrashMs, ms);
      else slowestStopMs = Math.max(slowestStopMs, ms);
      expect(world.faults, `seed ${seed}`).toEqual([]);
    }
  }
  expect(slowestCrashMs).toBeGreaterThan(10_000);
  expect(slowestCrashMs).toBeLessThan(15_000);
  expect(slowestStopMs).toBeLessThan(2000);
});

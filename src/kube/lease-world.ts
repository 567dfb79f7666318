import type { KubeObject, Lease } from "#api";
import { type Clock, deepCopy, Failure, type Random, seededRandom, silentLog } from "#base";
import { ApiFailure, type CallOptions, type KubeClient, type ObjectKey } from "./client.ts";
import { createFencedClient, type FencedClient } from "./fenced-client.ts";
import { createLeaseElector, type LeaseElector } from "./lease-elector.ts";
import type { LeaseTimings } from "./lease-step.ts";

/**
 * For tests: a virtual world of machines with clocks of their own, a network that delays, loses and cuts, and a server that
 * keeps one Lease. Everything that happens follows from the seed.
 */
export interface LeaseWorld {
  readonly nowMs: number;
  readonly machines: readonly Machine[];
  /** Writes of machines that arrived at the server while somebody else held the lease, and moments with two leaders. */
  readonly faults: readonly string[];
  /** Lets things happen for so long. */
  run(ms: number): Promise<void>;
}

export interface Machine {
  readonly name: string;
  readonly elector: LeaseElector;
  /** No answer and no request gets through. */
  isCut: boolean;
  /** Nothing runs: a process that is stopped, or a machine that sleeps. Steady time stands still with `isAsleep`. */
  isPaused: boolean;
  isAsleep: boolean;
  /** Never runs again. */
  crash(): void;
  /** Ends in order. */
  stop(): Promise<void>;
  /** Sets its wall clock. */
  setClock(byMs: number): void;
}

interface World {
  readonly random: Random;
  nowMs: number;
  schedule(delayMs: number, callback: () => void): () => void;
  readonly server: LeaseServer;
  readonly faults: string[];
  readonly machines: SimulatedMachine[];
}

interface SimulatedMachine extends Machine {
  readonly isAlive: boolean;
  /** Steady time so far. */
  steadyMs: number;
  wake(): void;
}

/** How often time is looked at besides all events. */
const STEP_MS = 50;

export interface LeaseWorldOptions {
  readonly seed: number;
  readonly machineCount: number;
  readonly timings: LeaseTimings;
  /** Longest way of a message. */
  readonly maxDelayMs: number;
  /** How much faster or slower clocks run at most, as a share. */
  readonly maxDrift: number;
}

/** Makes a world whose machines all want to lead, and write all the time while they do. */
export function createLeaseWorld(options: LeaseWorldOptions): LeaseWorld {
  const random = seededRandom(options.seed);
  const queue: { atMs: number; callback: () => void }[] = [];
  const world: World = {
    random,
    nowMs: 0,
    schedule(delayMs, callback) {
      const entry = { atMs: world.nowMs + Math.max(0, delayMs), callback };
      queue.push(entry);
      return () => {
        const index = queue.indexOf(entry);
        if (index >= 0) queue.splice(index, 1);
      };
    },
    server: createLeaseServer(),
    faults: [],
    machines: [],
  };
  for (let index = 0; index < options.machineCount; index++) world.machines.push(startMachine(world, index, options));

  return {
    get nowMs() {
      return world.nowMs;
    },
    machines: world.machines,
    faults: world.faults,
    async run(ms) {
      const untilMs = world.nowMs + ms;
      while (world.nowMs < untilMs) {
        const next = queue.reduce<(typeof queue)[number] | undefined>(
          (best, entry) => (best === undefined || entry.atMs < best.atMs ? entry : best),
          undefined,
        );
        const stepEndMs = Math.min(untilMs, world.nowMs + STEP_MS);
        const isDue = next !== undefined && next.atMs <= stepEndMs;
        pass(world, isDue ? next.atMs : stepEndMs);
        if (isDue) {
          queue.splice(queue.indexOf(next), 1);
          next.callback();
          await settle();
        }
        check(world);
      }
    },
  };
}

function pass(world: World, toMs: number): void {
  const byMs = toMs - world.nowMs;
  for (const machine of world.machines) if (!machine.isAsleep) machine.steadyMs += byMs;
  world.nowMs = toMs;
}

/** A paused machine may believe what it likes: it cannot write, and looks at the clock before it does. */
function check(world: World): void {
  const leading = world.machines.filter((machine) => machine.isAlive && !machine.isPaused && machine.elector.isLeader);
  if (leading.length > 1) world.faults.push(`${leading.map(({ name }) => name).join(" and ")} lead at ${world.nowMs}`);
}

/** Enough turns for every chain of promises here; a macrotask would take a hundred times as long. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 40; turn++) await Promise.resolve();
}

function startMachine(world: World, index: number, options: LeaseWorldOptions): SimulatedMachine {
  const name = `machine-${index}`;
  const speed = 1 + (2 * world.random.next() - 1) * options.maxDrift;
  const parked: (() => void)[] = [];
  let wallOffsetMs = world.random.next() * 1e9;
  let isAlive = true;
  const runOrPark = (callback: () => void): void => {
    if (!isAlive) return;
    if (machine.isPaused) parked.push(callback);
    else callback();
  };
  const clock: Clock = {
    nowMs: () => wallOffsetMs + world.nowMs * speed,
    after: (delayMs, callback) => world.schedule(delayMs / speed, () => runOrPark(callback)),
  };
  const ended = new AbortController();
  const client = createLeaseClient(world, { options, clock, runOrPark, isCut: () => machine.isCut || !isAlive, name });
  const elector = createLeaseElector({
    client,
    name: "l",
    namespace: "n",
    identity: name,
    clock,
    steadyNowMs: () => machine.steadyMs * speed,
    random: world.random,
    log: silentLog,
    timings: options.timings,
  });
  const machine: SimulatedMachine = {
    name,
    elector,
    isCut: false,
    isPaused: false,
    isAsleep: false,
    steadyMs: 0,
    get isAlive() {
      return isAlive;
    },
    crash: () => void (isAlive = false),
    stop: async () => {
      ended.abort();
      await settle();
    },
    setClock: (byMs) => void (wallOffsetMs += byMs),
    wake: () => {
      for (const callback of parked.splice(0)) callback();
    },
  };
  const fenced = createFencedClient(client, elector);
  // A process that loses the lease ends, and another one is started in its place.
  const live = async (): Promise<void> => {
    while (!ended.signal.aborted && isAlive)
      await elector.run(ended.signal, (signal) => writeUntil(signal, { fenced, clock }));
  };
  void live();
  return machine;
}

/** Writes again and again, like an operator in work, and waits for what is under way at the end. */
async function writeUntil(
  signal: AbortSignal,
  { fenced, clock }: { fenced: FencedClient; clock: Clock },
): Promise<void> {
  while (!signal.aborted) {
    const write = fenced.create({ group: "", version: "v1", plural: "works", kind: "Work", namespaced: true }, work);
    await Promise.race([write.catch(() => undefined), new Promise<void>((resolve) => clock.after(700, resolve))]);
    await new Promise<void>((resolve) => clock.after(130, resolve));
  }
  await fenced.settled();
}

const work: KubeObject = { apiVersion: "v1", kind: "Work", metadata: { name: "w", namespace: "n" } };

interface LeaseServer {
  lease: Lease | undefined;
  version: number;
}

function createLeaseServer(): LeaseServer {
  return { lease: undefined, version: 0 };
}

interface Wire {
  readonly options: LeaseWorldOptions;
  readonly clock: Clock;
  readonly runOrPark: (callback: () => void) => void;
  readonly isCut: () => boolean;
  readonly name: string;
}

/** The client's calls that an elector and a writer make, over the world's network. */
function createLeaseClient(world: World, wire: Wire): KubeClient {
  const { server } = world;
  const unused = (): never => {
    throw new Error("not part of this world");
  };
  function call<T>(handle: () => T, options: CallOptions = {}): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      options.beforeSend?.();
      const giveUp = (): void => reject(new Failure("too late", { code: "RequestTimeout", retryable: true }));
      let isGivenUp = false;
      if (options.timeoutMs !== undefined && Number.isFinite(options.timeoutMs)) {
        wire.clock.after(options.timeoutMs, () => {
          isGivenUp = true;
          giveUp();
        });
      }
      const delayMs = (): number => world.random.next() ** 3 * wire.options.maxDelayMs;
      world.schedule(delayMs(), () => {
        // A connection that was closed takes what had not arrived with it.
        if (wire.isCut() || isGivenUp) return;
        const result = attempt(handle);
        world.schedule(delayMs(), () => {
          if (wire.isCut()) return;
          wire.runOrPark(() => ("value" in result ? resolve(result.value) : reject(result.error)));
        });
      });
    });
  }
  function put(lease: Lease): Lease {
    server.version += 1;
    server.lease = deepCopy({ ...lease, metadata: { ...lease.metadata, resourceVersion: String(server.version) } });
    return server.lease;
  }
  const conflict = (): ApiFailure => new ApiFailure("conflict", { httpStatus: 409, reason: "Conflict" });
  return {
    server: "",
    get: <T extends KubeObject>(_: unknown, __: ObjectKey, options?: CallOptions) =>
      call(() => deepCopy(server.lease) as T | undefined, options),
    create: <T extends KubeObject>(_: unknown, object: T, options?: CallOptions) =>
      call(() => {
        if (object.kind === "Work") {
          const holder = server.lease?.spec?.holderIdentity;
          if (holder !== wire.name)
            world.faults.push(`${wire.name} wrote at ${world.nowMs}, the lease is of "${holder}"`);
          return object;
        }
        if (server.lease !== undefined) throw conflict();
        return put(object as unknown as Lease) as unknown as T;
      }, options),
    update: <T extends KubeObject>(_: unknown, object: T, options?: CallOptions) =>
      call(() => {
        if (object.metadata.resourceVersion !== server.lease?.metadata.resourceVersion) throw conflict();
        return put(object as unknown as Lease) as unknown as T;
      }, options),
    list: unused,
    patch: unused,
    apply: unused,
    delete: unused,
    raw: unused,
    close: () => Promise.resolve(),
  };
}

function attempt<T>(handle: () => T): { readonly value: T } | { readonly error: unknown } {
  try {
    return { value: handle() };
  } catch (error) {
    return { error };
  }
}

import { readdirSync, readFileSync } from "node:fs";
import type { Clock } from "#base";

/** CPU and memory of a container's processes. */
export interface ContainerUsage {
  readonly cpuCores: number;
  readonly memoryBytes: number;
  readonly timestampMs: number;
  readonly windowMs: number;
}

/** Samples what sessions of processes use; a container's processes share the session of its first one. */
export interface UsageSampler {
  /** What the session led by this process used over the last few samples; undefined before the second one. */
  read(leaderPid: number): ContainerUsage | undefined;
  close(): void;
}

interface Sample {
  readonly atMs: number;
  readonly cpuSeconds: number;
  readonly memoryBytes: number;
}

const PERIOD_MS = 1000;
/** Samples that a rate is taken over: five seconds smooth out single requests and still follow a burst. */
const SAMPLES_KEPT = 6;

/** Starts sampling; `leaders` tells which processes are of interest now. */
export function startUsageSampler(options: { clock: Clock; leaders: () => readonly number[] }): UsageSampler {
  const { clock, leaders } = options;
  const units = readKernelUnits();
  const history = new Map<number, Sample[]>();
  let cancel = clock.after(0, sample);

  function sample(): void {
    const wanted = new Set(leaders());
    for (const pid of history.keys()) if (!wanted.has(pid)) history.delete(pid);
    const atMs = clock.nowMs();
    if (wanted.size > 0) {
      for (const [pid, { cpuSeconds, memoryBytes }] of readSessions(wanted, units)) {
        const samples = history.get(pid) ?? [];
        samples.push({ atMs, cpuSeconds, memoryBytes });
        if (samples.length > SAMPLES_KEPT) samples.shift();
        history.set(pid, samples);
      }
    }
    cancel = clock.after(PERIOD_MS, sample);
  }

  return {
    read(leaderPid) {
      const samples = history.get(leaderPid) ?? [];
      const [first] = samples;
      const last = samples.at(-1);
      if (first === undefined || last === undefined || last.atMs <= first.atMs) return undefined;
      const windowMs = last.atMs - first.atMs;
      // A process that left the session takes its time along: never less than nothing.
      const cpuCores = Math.max(0, last.cpuSeconds - first.cpuSeconds) / (windowMs / 1000);
      return { cpuCores, memoryBytes: last.memoryBytes, timestampMs: last.atMs, windowMs };
    },
    close: () => cancel(),
  };
}

interface KernelUnits {
  readonly ticksPerSecond: number;
  readonly pageBytes: number;
}

/** Source: getauxval(3): AT_PAGESZ is 6, AT_CLKTCK 17; the auxiliary vector is pairs of machine words. */
function readKernelUnits(): KernelUnits {
  let ticksPerSecond = 100;
  let pageBytes = 4096;
  try {
    const vector = readFileSync("/proc/self/auxv");
    for (let at = 0; at + 16 <= vector.length; at += 16) {
      const key = vector.readBigUInt64LE(at);
      const value = Number(vector.readBigUInt64LE(at + 8));
      if (key === 6n) pageBytes = value;
      if (key === 17n) ticksPerSecond = value;
    }
  } catch {
    // No /proc: there is nothing to convert either.
  }
  return { ticksPerSecond, pageBytes };
}

/** Adds up the processes of each wanted session. Source: proc(5), /proc/PID/stat and statm. */
function readSessions(
  wanted: ReadonlySet<number>,
  units: KernelUnits,
): Map<number, { cpuSeconds: number; memoryBytes: number }> {
  const sums = new Map<number, { cpuSeconds: number; memoryBytes: number }>();
  for (const pid of readPids()) {
    const stat = readText(`/proc/${pid}/stat`);
    if (stat === undefined) continue;
    // The name before the last ")" may hold anything; the fields after it start with the third, the state.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const session = Number(fields[3]);
    if (!wanted.has(session)) continue;
    // utime, stime and those of children that were waited for: fields 14 to 17.
    const ticks = [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index] ?? 0), 0);
    const [, resident = 0, shared = 0] = (readText(`/proc/${pid}/statm`) ?? "").split(" ").map(Number);
    const sum = sums.get(session) ?? { cpuSeconds: 0, memoryBytes: 0 };
    sum.cpuSeconds += ticks / units.ticksPerSecond;
    // Pages of the program's file are shared by all pods that run it, and belong to none.
    sum.memoryBytes += Math.max(0, resident - shared) * units.pageBytes;
    sums.set(session, sum);
  }
  return sums;
}

function readPids(): string[] {
  try {
    return readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    // No /proc on this system: usage is not known.
    return [];
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1");
  } catch {
    // Ended since the directory was read.
    return undefined;
  }
}

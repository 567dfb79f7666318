import { readFileSync } from "node:fs";

/** Names a process beyond the reuse of its number: pid and start time. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks between boot and the start of the process; 0 where /proc does not exist. */
  readonly startTicks: number;
}

/**
 * Reads who has a pid now; undefined when nobody has.
 *
 * Source: proc(5), field 22 of /proc/PID/stat. The command name before it may hold spaces and parentheses, hence the last ")".
 */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // A zombie has ended; only its parent has not asked yet.
    return fields[0] === "Z" ? undefined : { pid, startTicks: Number(fields[19]) };
  } catch {
    return process.platform === "linux" ? undefined : identifyWithoutProc(pid);
  }
}

function identifyWithoutProc(pid: number): ProcessIdentity | undefined {
  try {
    process.kill(pid, 0);
    return { pid, startTicks: 0 };
  } catch {
    return undefined;
  }
}

/** Tells whether the process that was recorded still runs. */
export function isSameProcess(recorded: ProcessIdentity): boolean {
  const now = identifyProcess(recorded.pid);
  return now !== undefined && now.startTicks === recorded.startTicks;
}

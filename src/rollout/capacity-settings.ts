import type { Canary } from "#api";
import { isObject, type Problem, parseDuration } from "#base";

/** `spec.capacity` with every default filled in. */
export interface CapacitySettings {
  readonly coupling: "enforce" | "observe" | "off";
  /** Pods beyond the need, in percent of it. */
  readonly headroomPercent: number;
  /** How much of all traffic the primary stays able to take back until the verdict, in percent. */
  readonly reservePercent: number;
  /** How long after the end of a release the primary keeps its pods. */
  readonly reserveWindowMs: number;
  /** Requests per second that one ready pod serves; undefined when it is to be learned. */
  readonly requestsPerPod: number | undefined;
  /** How long a ready pod counts as cold. */
  readonly warmUpMs: number;
  /** How long a step waits for pods. */
  readonly deadlineMs: number;
}

/** An autoscaler's own target leaves room already; this is for a load that grows while a step is taken. */
const DEFAULT_HEADROOM_PERCENT = 10;
/**
 * The need is reckoned at the load that an autoscaler aims at, 70% of what a pod can serve for example; four fifths of those
 * pods serve everything at 88%. What they do not serve goes back a pod's start later. Measured: docs/benchmarks.md, capacity.
 */
export const DEFAULT_RESERVE_PERCENT = 80;
/** Longer than an autoscaler, a proxy and a person take to see that something is wrong. */
const DEFAULT_RESERVE_WINDOW_MS = 120_000;
const MAX_HEADROOM_PERCENT = 1000;
const COUPLINGS = ["enforce", "observe", "off"] as const;

/** Reads the settings of a spec without {@link capacityProblems}. */
export function readCapacity({ spec }: Canary, defaultDeadlineMs: number): CapacitySettings {
  const capacity = spec.capacity ?? {};
  return {
    coupling: capacity.coupling ?? "enforce",
    headroomPercent: capacity.headroomPercent ?? DEFAULT_HEADROOM_PERCENT,
    reservePercent: capacity.reservePercent ?? DEFAULT_RESERVE_PERCENT,
    reserveWindowMs: msOr(capacity.reserveWindow, DEFAULT_RESERVE_WINDOW_MS),
    requestsPerPod: capacity.requestsPerPod,
    warmUpMs: msOr(capacity.warmUp, 0),
    deadlineMs: msOr(capacity.deadline, defaultDeadlineMs),
  };
}

/** What is wrong with `spec.capacity`. */
export function capacityProblems({ spec }: Canary): Problem[] {
  const capacity: unknown = spec.capacity;
  if (capacity === undefined || capacity === null) return [];
  if (!isObject(capacity)) return [invalid("", "must be an object", "write fields such as headroomPercent: 20")];
  const { coupling, requestsPerPod } = capacity;
  const problems: Problem[] = [];
  if (coupling !== undefined && !COUPLINGS.some((word) => word === coupling))
    problems.push(
      invalid(
        ".coupling",
        `must be enforce, observe or off, received ${JSON.stringify(coupling)}`,
        'choose one of them; off needs quotes, as YAML takes it for false: "off"',
      ),
    );
  problems.push(...percentProblems("headroomPercent", capacity.headroomPercent, MAX_HEADROOM_PERCENT));
  problems.push(...percentProblems("reservePercent", capacity.reservePercent, 100));
  if (requestsPerPod !== undefined && !(typeof requestsPerPod === "number" && requestsPerPod > 0))
    problems.push(
      invalid(
        ".requestsPerPod",
        `must be a number above 0, received ${JSON.stringify(requestsPerPod)}`,
        "state the requests per second that one pod serves, or remove it to have it learned",
      ),
    );
  for (const field of ["reserveWindow", "warmUp", "deadline"]) {
    const text = capacity[field];
    const parsed = typeof text === "string" ? parseDuration(text) : undefined;
    if (text === undefined || (parsed?.ok === true && parsed.value >= 0)) continue;
    problems.push(
      invalid(`.${field}`, `must be a duration, received ${JSON.stringify(text)}`, "write it as 30s or 2m"),
    );
  }
  return problems;
}

function percentProblems(field: string, value: unknown, max: number): Problem[] {
  if (value === undefined || (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= max))
    return [];
  const message = `must be a whole number from 0 to ${max}, received ${JSON.stringify(value)}`;
  return [invalid(`.${field}`, message, "write percent without a sign, such as 20")];
}

function invalid(field: string, message: string, fix: string): Problem {
  return { path: `spec.capacity${field}`, code: "invalid-value", message, fix };
}

function msOr(text: string | undefined, defaultMs: number): number {
  const parsed = parseDuration(text ?? "");
  return parsed.ok ? parsed.value : defaultMs;
}

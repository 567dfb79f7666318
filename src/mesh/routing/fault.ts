import type { HTTPFaultInjection } from "#api";
import { durationMs } from "./durations.ts";
import { type Report, UnusableObject } from "./finding.ts";

/** What a route does to a share of its requests on purpose. Shares are from 0 to 1. */
export interface Fault {
  readonly delay?: { readonly delayMs: number; readonly share: number };
  readonly abort?: { readonly status: number; readonly share: number };
}

/** What a fault does to one request. */
export interface FaultRoll {
  readonly delayMs: number;
  readonly abortStatus: number | undefined;
}

/**
 * Compiles `fault`. An absent percentage never fires. Source: istio-spec 1.10.
 *
 * @throws UnusableObject for a percentage or status out of range.
 */
export function compileFault(fault: HTTPFaultInjection | undefined, report: Report): Fault | undefined {
  if (fault === undefined) return undefined;
  const delayMs = durationMs("fault.delay.fixedDelay", fault.delay?.fixedDelay);
  const delayShare = shareOf("fault.delay", fault.delay?.percentage?.value ?? fault.delay?.percent ?? 0);
  const status = fault.abort?.httpStatus;
  if (fault.abort?.grpcStatus !== undefined)
    report("unsupported", "fault.abort.grpcStatus is not executed; use httpStatus");
  if (status !== undefined && !(Number.isInteger(status) && status >= 200 && status <= 599))
    throw new UnusableObject(`fault.abort.httpStatus: must be from 200 to 599, received "${status}"`);
  const abortShare = shareOf("fault.abort", fault.abort?.percentage?.value ?? 0);
  return {
    ...(delayMs === undefined ? {} : { delay: { delayMs, share: delayShare } }),
    ...(status === undefined ? {} : { abort: { status, share: abortShare } }),
  };
}

/**
 * Reads a percentage (0 to 100) as a share.
 *
 * @throws UnusableObject naming the field when it is out of range.
 */
export function shareOf(field: string, percent: number): number {
  if (typeof percent !== "number" || !(percent >= 0 && percent <= 100))
    throw new UnusableObject(`${field}: the percentage must be from 0 to 100, received "${percent}"`);
  return percent / 100;
}

/** Rolls both faults, independently of each other. `chance` is uniform in [0, 1) and new at every call. */
export function rollFault(fault: Fault, chance: () => number): FaultRoll {
  const { delay, abort } = fault;
  return {
    delayMs: delay !== undefined && chance() < delay.share ? delay.delayMs : 0,
    abortStatus: abort !== undefined && chance() < abort.share ? abort.status : undefined,
  };
}

import { err, ok, parseDuration, type Result } from "#base";

/** What goes wrong in the new version of the demo, and what podinfo's switch for it is. */
export interface Fault {
  readonly kind: "errors" | "latency" | "crash";
  /** Value of `PODINFO_FAULT`. */
  readonly setting: string;
  /** For people: "20% of its answers are errors". */
  readonly description: string;
}

/** Options of `serin demo`, parsed. */
export interface DemoOptions {
  readonly fault: Fault | undefined;
  /** Analysis interval of the Canary. */
  readonly intervalMs: number;
  /** Requests per second that the demo sends through the gateway. */
  readonly requestsPerSecond: number;
  /** Leave the cluster running after the rollout, until Ctrl-C. */
  readonly keep: boolean;
  readonly json: boolean;
}

/** What the command line gave, as text. */
export interface RawDemoOptions {
  readonly fault?: string;
  readonly interval: string;
  readonly rps: string;
  readonly keep?: boolean;
  readonly json?: boolean;
}

const INTERVAL_MIN_MS = 1000;
const RPS_MAX = 2000;

/** Parses the options; the error quotes the value and says what to write instead. */
export function parseDemoOptions(raw: RawDemoOptions): Result<DemoOptions, string> {
  const fault = raw.fault === undefined ? ok(undefined) : parseFault(raw.fault);
  if (!fault.ok) return fault;
  const interval = parseDuration(raw.interval);
  if (!interval.ok) return err(`--interval: ${interval.error}`);
  if (interval.value < INTERVAL_MIN_MS) return err(`--interval: "${raw.interval}" is too short; write 1s or more`);
  const rps = Number(raw.rps);
  if (!Number.isFinite(rps) || rps < 1 || rps > RPS_MAX)
    return err(`--rps: "${raw.rps}" is not a rate; write a number from 1 to ${RPS_MAX}`);
  return ok({
    fault: fault.value,
    intervalMs: interval.value,
    requestsPerSecond: rps,
    keep: raw.keep ?? false,
    json: raw.json ?? false,
  });
}

function parseFault(text: string): Result<Fault, string> {
  const advice = "write errors=20%, latency=800ms or crash";
  if (text === "crash") return ok({ kind: "crash", setting: text, description: "it crashes soon after each start" });
  const [kind, value = ""] = text.split("=", 2);
  if (kind === "errors") {
    const percent = /^(\d+(?:\.\d+)?)%$/.exec(value)?.[1];
    if (percent === undefined || Number(percent) > 100)
      return err(`--fault: "${text}" needs a share from 0% to 100%; ${advice}`);
    return ok({ kind, setting: text, description: `${value} of its answers are errors` });
  }
  if (kind === "latency") {
    const delay = parseDuration(value);
    if (!delay.ok || delay.value < 0) return err(`--fault: "${text}" needs a duration; ${advice}`);
    return ok({ kind, setting: text, description: `every answer takes ${value} longer` });
  }
  return err(`--fault: "${text}" is unknown; ${advice}`);
}

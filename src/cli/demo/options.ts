import { err, ok, parseDuration, type Result } from "#base";
import { LOAD_SHAPES, type LoadShape } from "./load-curve.ts";

/** What goes wrong in the new version of the demo, and what podinfo's switch for it is. */
export interface Fault {
  readonly kind: "errors" | "latency" | "crash";
  /** Value of `PODINFO_FAULT`. */
  readonly setting: string;
  /** For people: "20% of its answers are errors". */
  readonly description: string;
}

/** How the release is judged. */
export type Method = "threshold" | "sequential";
const METHODS: readonly Method[] = ["threshold", "sequential"];

/** Options of `serin demo`, parsed. */
export interface DemoOptions {
  readonly fault: Fault | undefined;
  /** How the load changes, on an app whose pods have a limited capacity; undefined for a steady one on an unlimited app. */
  readonly load: LoadShape | undefined;
  readonly method: Method;
  /** Analysis interval of the Canary. */
  readonly intervalMs: number;
  /** Requests per second that the demo sends through the gateway; the peak of a load that changes. */
  readonly requestsPerSecond: number;
  /** Leave the cluster running after the rollout, until Ctrl-C. */
  readonly keep: boolean;
  readonly json: boolean;
}

/** What the command line gave, as text. */
export interface RawDemoOptions {
  readonly fault?: string;
  readonly load?: string;
  readonly method?: string;
  readonly interval?: string;
  readonly rps?: string;
  readonly keep?: boolean;
  readonly json?: boolean;
}

const INTERVAL_MIN_MS = 1000;
/** What the options are when they are not given, and how far the rate may go: autoscaled pods need time, and are small. */
const STEADY = { method: "sequential", interval: "2s", rpsMax: 2000 } as const;
const CHANGING = { method: "threshold", interval: "5s", rpsMax: 80 } as const;
/** Evidence comes with requests: twice as many make the release twice as short. */
const RATES = { sequential: "200", threshold: "100", changing: "50" } as const;

/** Parses the options; the error quotes the value and says what to write instead. */
export function parseDemoOptions(raw: RawDemoOptions): Result<DemoOptions, string> {
  const fault = raw.fault === undefined ? ok(undefined) : parseFault(raw.fault);
  if (!fault.ok) return fault;
  const load = LOAD_SHAPES.find((shape) => shape === raw.load);
  if (raw.load !== undefined && load === undefined)
    return err(`--load: "${raw.load}" is unknown; write ${LOAD_SHAPES.join(", ")}`);
  const defaults = load === undefined ? STEADY : CHANGING;
  const method = METHODS.find((one) => one === (raw.method ?? defaults.method));
  if (method === undefined) return err(`--method: "${raw.method}" is unknown; write ${METHODS.join(" or ")}`);
  const rate = RATES[load === undefined ? method : "changing"];
  const { interval: intervalText = defaults.interval, rps: rpsText = rate } = raw;
  const interval = parseDuration(intervalText);
  if (!interval.ok) return err(`--interval: ${interval.error}`);
  if (interval.value < INTERVAL_MIN_MS) return err(`--interval: "${intervalText}" is too short; write 1s or more`);
  const rps = Number(rpsText);
  if (!Number.isFinite(rps) || rps < 1 || rps > defaults.rpsMax)
    return err(`--rps: "${rpsText}" is not a rate; write a number from 1 to ${defaults.rpsMax}`);
  return ok({
    fault: fault.value,
    load,
    method,
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

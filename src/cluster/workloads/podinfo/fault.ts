import { err, ok, parseDuration, type Result } from "#base";

/** What is made to go wrong, from the variable PODINFO_FAULT. */
export interface Fault {
  /** Share of the ordinary requests that answer 500, 0 to 100. */
  readonly errorPercent: number;
  /** Added to every ordinary request. */
  readonly latencyMs: number;
  /** Exit with an error soon after the start. */
  readonly crashes: boolean;
}

const LATENCY_MAX_MS = 600_000;

/** Parses `errors=20%`, `latency=800ms`, `crash`, or several of them with commas between. */
export function parseFault(text: string): Result<Fault, string> {
  let fault: Fault = { errorPercent: 0, latencyMs: 0, crashes: false };
  for (const part of text.split(",").map((item) => item.trim())) {
    if (part === "") continue;
    const errors = /^errors=(\d+(?:\.\d+)?)%$/.exec(part);
    const latency = /^latency=(.+)$/.exec(part);
    if (part === "crash") fault = { ...fault, crashes: true };
    else if (errors !== null && Number(errors[1]) <= 100) fault = { ...fault, errorPercent: Number(errors[1]) };
    else if (latency !== null) {
      const parsed = parseDuration(latency[1] ?? "");
      if (!parsed.ok) return err(`invalid fault "${part}": ${parsed.error}`);
      if (parsed.value < 0 || parsed.value > LATENCY_MAX_MS)
        return err(`invalid fault "${part}": write a duration from 0s to 10m`);
      fault = { ...fault, latencyMs: parsed.value };
    } else {
      return err(`invalid fault "${part}": write errors=20%, latency=800ms or crash, with commas between`);
    }
  }
  return ok(fault);
}

/**
 * Says of each request in turn whether it fails, spread evenly: with 20 percent every fifth one.
 *
 * Counted, not drawn: a test that asks for 20 percent gets 20 percent of any window, not a number near it.
 */
export function createErrorSpread(errorPercent: number): () => boolean {
  let owedPercent = 0;
  return () => {
    owedPercent += errorPercent;
    if (owedPercent < 100) return false;
    owedPercent -= 100;
    return true;
  };
}

import { err, ok, parseDuration, type Result } from "#base";
import type { Environment, TimeSpan } from "#simulator";
import { parseShare, parseTimes, splitOnce } from "./parse-fault.ts";

const ADVICE =
  "write metrics-outage,after=5m,for=2m or api-conflicts=10% or crash,after=4m or crash=5% or slow-pods=60s or mesh-lag=5s or scrape-lag=20s";
/** Above it hardly a look of the operator comes to its end. */
const CHANCE_MAX = 0.5;
const LAG_MAX_MS = 3_600_000;

/** One `--environment`, as far as it is one. */
type Part = Environment | "bad" | "bad-times" | "too-large";

/** Parses all of `--environment` into the one that they make together; the error quotes the value and says what to write. */
export function parseEnvironment(texts: readonly string[]): Result<Environment, string> {
  let environment: Environment = {};
  for (const text of texts) {
    const part = parsePart(text);
    switch (part) {
      case "bad":
        return err(`--environment: "${text}" is not a fault of the environment; ${ADVICE}`);
      case "bad-times":
        return err(
          `--environment: the times of "${text}" cannot be read; ,after=5m and ,for=2m go with metrics-outage, api-conflicts and crash=5%, ,after=4m alone with crash`,
        );
      case "too-large":
        return err(`--environment: "${text}" is too much; chances go up to 50%, lags up to 1h`);
      default: {
        const joined = join(environment, part);
        if (joined === undefined)
          return err(`--environment: "${text}" is there twice; only metrics-outage and crash,after=4m can be repeated`);
        environment = joined;
      }
    }
  }
  return ok(environment);
}

function parsePart(text: string): Part {
  const [kindText = "", ...timeTexts] = text.split(",");
  const [name, value] = splitOnce(kindText.trim(), "=");
  const hasValue = kindText.includes("=");
  const times = parseTimes(timeTexts);
  if (times === undefined) return "bad-times";
  const { fromMs = 0, untilMs = Number.POSITIVE_INFINITY } = times;
  const spans = timeTexts.length === 0 ? undefined : [{ fromMs, untilMs }];
  switch (name) {
    case "metrics-outage":
      return hasValue ? "bad" : { metricsOutages: [{ fromMs, untilMs }] };
    case "api-conflicts":
      return chance(value, (conflictShare) => ({ conflictShare, ...(spans && { conflictSpans: spans }) }));
    case "crash":
      if (hasValue) return chance(value, (crashShare) => ({ crashShare, ...(spans && { crashSpans: spans }) }));
      return times.untilMs === undefined ? { crashesAtMs: [fromMs] } : "bad-times";
    case "slow-pods":
      return lag(value, spans, (podStartMs) => ({ podStartMs }));
    case "mesh-lag":
      return lag(value, spans, (meshLagMs) => ({ meshLagMs }));
    case "scrape-lag":
      return lag(value, spans, (scrapeLagMs) => ({ scrapeLagMs }));
    default:
      return "bad";
  }
}

function chance(text: string, part: (share: number) => Environment): Part {
  const share = parseShare(text);
  if (share === undefined) return "bad";
  return share > CHANCE_MAX ? "too-large" : part(share);
}

/** A lag is there all the time. */
function lag(text: string, spans: readonly TimeSpan[] | undefined, part: (ms: number) => Environment): Part {
  const duration = parseDuration(text);
  if (!duration.ok || duration.value < 0) return "bad";
  if (spans !== undefined) return "bad-times";
  return duration.value > LAG_MAX_MS ? "too-large" : part(duration.value);
}

/** Both together; undefined where both say the same thing, which can be said once. */
function join(a: Environment, b: Environment): Environment | undefined {
  const outages = [...(a.metricsOutages ?? []), ...(b.metricsOutages ?? [])];
  const crashes = [...(a.crashesAtMs ?? []), ...(b.crashesAtMs ?? [])];
  const isTwice = Object.keys(b).some((key) => key in a && key !== "metricsOutages" && key !== "crashesAtMs");
  if (isTwice) return undefined;
  return {
    ...a,
    ...b,
    ...(outages.length === 0 ? {} : { metricsOutages: outages }),
    ...(crashes.length === 0 ? {} : { crashesAtMs: crashes }),
  };
}

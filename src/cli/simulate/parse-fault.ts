import { err, ok, parseDuration, type Result } from "#base";
import type { Fault, FaultKind, NamedFault } from "#simulator";

const ADVICE =
  "write errors=5%, latency=x2, tail=1%@1500ms or leak=0.5%/min, each with ,after=150s or ,for=5m if it is not there from the start";

/** Parses a fault of `--fault`. Faults: what `Fault` of the simulator has. */
export function parseFault(text: string): Result<NamedFault, string> {
  const [kindText = "", ...timeTexts] = text.split(",");
  const kind = parseKind(kindText.trim());
  if (kind === undefined) return err(`--fault: "${text}" is not a fault; ${ADVICE}`);
  const times = parseTimes(timeTexts);
  if (times === undefined) return err(`--fault: the times of "${text}" cannot be read; ${ADVICE}`);
  return ok({ name: text, fault: { ...kind, ...times } });
}

function parseKind(text: string): FaultKind | undefined {
  const [name, value] = splitOnce(text, "=");
  switch (name) {
    case "errors": {
      const share = parseShare(value);
      return share === undefined ? undefined : { kind: "errors", share };
    }
    case "latency": {
      const factor = Number(/^x(\d+(?:\.\d+)?)$/.exec(value)?.[1] ?? Number.NaN);
      return factor > 0 && factor <= 1000 ? { kind: "latency", factor } : undefined;
    }
    case "tail": {
      const [shareText, msText] = splitOnce(value, "@");
      const share = parseShare(shareText);
      const duration = parseDuration(msText);
      if (share === undefined || !duration.ok || duration.value <= 0) return undefined;
      return { kind: "tail", share, ms: duration.value };
    }
    case "leak": {
      const sharePerMinute = parseShare(/^(.*)\/min$/.exec(value)?.[1] ?? "");
      return sharePerMinute === undefined ? undefined : { kind: "leak", sharePerMinute };
    }
    default:
      return undefined;
  }
}

/** Parses `after=3m` and `for=5m`; undefined when one of them is neither. */
export function parseTimes(texts: readonly string[]): Pick<Fault, "fromMs" | "untilMs"> | undefined {
  let fromMs = 0;
  let lengthMs: number | undefined;
  for (const text of texts) {
    const [name, value] = splitOnce(text.trim(), "=");
    const duration = parseDuration(value);
    if (!duration.ok || duration.value < 0) return undefined;
    if (name === "after") fromMs = duration.value;
    else if (name === "for") lengthMs = duration.value;
    else return undefined;
  }
  return { fromMs, ...(lengthMs === undefined ? {} : { untilMs: fromMs + lengthMs }) };
}

/** Parses a percentage into a share, 0 to 1. */
export function parseShare(text: string): number | undefined {
  const percent = Number(/^(\d+(?:\.\d+)?)%$/.exec(text)?.[1] ?? Number.NaN);
  return percent >= 0 && percent <= 100 ? percent / 100 : undefined;
}

/** The text before and after the first separator; all of it, and nothing, where there is none. */
export function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + separator.length)];
}

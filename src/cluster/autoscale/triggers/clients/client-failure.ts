import { Failure, redact } from "#base";

/** A server may say anything, and that is shown in conditions and events; in characters. */
const MAX_SAID_LENGTH = 300;

/**
 * What a client or its server said, as a failure that names the action (`read queue "jobs"`) and holds no secret. The
 * original is not kept as the cause: its message would be printed with the chain, and drivers put whole configurations there.
 */
export function clientFailure(action: string, thrown: unknown, secrets: Iterable<string | undefined>): Failure {
  const known = [...secrets].filter((secret) => secret !== undefined);
  return unreadable(`Cannot ${redact(action, known)}: ${said(textOf(thrown), known) || "no reason given"}`);
}

/** A trigger has no value: its server is not there, or what it answered cannot be used. */
export function unreadable(message: string): Failure {
  return new Failure(message, { code: "TriggerUnreadable", retryable: true });
}

/** A text of a server that may be shown. Secrets go before it is cut, as half a secret would not be found. */
export function said(text: string, secrets: Iterable<string>, maxLength = MAX_SAID_LENGTH): string {
  const line = redact(text, secrets).replace(/\s+/g, " ").trim();
  return line.length <= maxLength ? line : `${line.slice(0, maxLength)}…`;
}

/**
 * Clients wrap an error in one of the same text. Sockets that try several addresses say what went wrong with each in `errors`
 * and leave their own message empty.
 */
function textOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  if (thrown instanceof AggregateError && thrown.message === "") return thrown.errors.map(textOf).join("; ");
  const { cause } = thrown;
  if (cause === undefined) return thrown.message;
  const inner = textOf(cause);
  return thrown.message === inner || thrown.message.includes(inner) ? thrown.message : `${thrown.message}: ${inner}`;
}

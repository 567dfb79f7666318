import { Failure, redact } from "#base";

/** There is no value: the server was not reached, gave no answer in time, or answered something that is none. */
const code = "TriggerUnreadable";

/** Longest part of a foreign message that is passed on, in characters. */
const FOREIGN_TEXT_MAX = 500;

/** Makes the failure of one call. Its message holds no secret: texts of servers go through {@link foreignMessage} first. */
export function triggerFailure(message: string): Failure {
  return new Failure(message, { code, retryable: true });
}

/**
 * Returns what a client or server said, without the secrets and cut to a bounded length. The error itself is not kept as a
 * cause: drivers put whole configurations into theirs.
 */
export function foreignMessage(thrown: unknown, secrets: readonly string[]): string {
  const text = redact(textOf(thrown), secrets).replace(/\s+/g, " ").trim();
  return text.length > FOREIGN_TEXT_MAX ? `${text.slice(0, FOREIGN_TEXT_MAX)}…` : text;
}

/** A name with several addresses fails with an error whose own message is empty. */
function textOf(thrown: unknown): string {
  if (thrown instanceof AggregateError && thrown.message === "") return thrown.errors.map(textOf).join("; ");
  if (thrown instanceof Error) return thrown.message === "" ? thrown.name : thrown.message;
  return String(thrown);
}

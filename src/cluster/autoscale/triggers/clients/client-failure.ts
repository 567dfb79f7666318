import { Failure, messageOf, redact } from "#base";

/**
 * What a client or its server said, as a failure that names the action and holds no secret. The original is not kept as
 * the cause: its message would be printed with the chain.
 */
export function clientFailure(action: string, thrown: unknown, secrets: Iterable<string | undefined>): Failure {
  const known = [...secrets].filter((secret) => secret !== undefined);
  return unreadable(redact(`${action}: ${shorten(describe(thrown))}`, known));
}

/** A trigger has no value: its server is not there, or what it answered cannot be used. */
export function unreadable(message: string): Failure {
  const code = "TriggerUnreadable";
  return new Failure(message, { code, retryable: true });
}

/** The password of a URL, as written and decoded, for {@link clientFailure}. */
export function passwordsOf(url: URL): string[] {
  return [url.password, decoded(url.password)];
}

/** Percent-decodes; text that is not encoded properly stays as it is. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Clients wrap an error in one of the same text. Sockets that try several addresses say what went wrong in `errors` and leave their own message empty. */
function describe(thrown: unknown): string {
  if (thrown instanceof Error && thrown.cause instanceof Error && thrown.message === thrown.cause.message)
    return describe(thrown.cause);
  if (thrown instanceof AggregateError) {
    const first: unknown = thrown.errors[0];
    if (thrown.message === "" && first !== undefined) return messageOf(first);
  }
  return messageOf(thrown) || "no reason given";
}

/** A server may answer with anything. */
function shorten(text: string): string {
  return text.length <= 300 ? text : `${text.slice(0, 300)}…`;
}

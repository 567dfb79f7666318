import type { MetricResult } from "#rollout";

/** What a provider says goes into events and status, which have little room. */
const MAX_MESSAGE_LENGTH = 300;

/** Takes secrets out of the message of a result, and cuts it; a server may repeat a key that it refuses. */
export function boundedMessage(result: MetricResult, secrets: readonly string[]): MetricResult {
  if (result.kind !== "error" && result.kind !== "unreachable") return result;
  let message = result.message;
  // The longest first: one secret may begin with another.
  for (const secret of secrets.map((text) => text.trim()).sort((a, b) => b.length - a.length))
    if (secret !== "") message = message.replaceAll(secret, "[secret]");
  const isLong = message.length > MAX_MESSAGE_LENGTH;
  return { ...result, message: isLong ? `${message.slice(0, MAX_MESSAGE_LENGTH - 1)}…` : message };
}

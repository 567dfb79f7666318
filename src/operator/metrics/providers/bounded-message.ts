import { redact } from "#base";
import type { MetricResult } from "#rollout";
import { formsOf, loginOf } from "../../gates/index.ts";
import type { MetricRequest } from "../metric-source.ts";

/** What a provider says goes into events and status, which have little room. */
const MAX_MESSAGE_LENGTH = 300;

/** Takes secrets out of the message of a result, and cuts it; a server may repeat a key that it refuses. */
export function boundedMessage(result: MetricResult, secrets: readonly string[]): MetricResult {
  if (result.kind !== "error" && result.kind !== "unreachable") return result;
  const message = redact(result.message, secrets.flatMap(formsOf), "[secret]");
  const isLong = message.length > MAX_MESSAGE_LENGTH;
  return { ...result, message: isLong ? `${message.slice(0, MAX_MESSAGE_LENGTH - 1)}…` : message };
}

/** Values of a question that nobody is to be told: the Secret's, the address's login, headers, and keys of the environment. */
export function secretsIn({
  secret,
  provider,
  env = {},
}: Partial<Pick<MetricRequest, "secret" | "provider" | "env">>): string[] {
  const keys = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"].map((name) => env[name] ?? "");
  const headers = Object.values(provider?.headers ?? {}).flat();
  // `Bearer TOKEN`: the token alone is as good.
  const parts = headers.flatMap((value) => [value, ...value.split(" ").slice(1)]);
  const [username = "", password = ""] = [secret?.get("username")?.trim(), secret?.get("password")?.trim()];
  const pair = password === "" ? [] : [`${username}:${password}`];
  return [...(secret?.values() ?? []), ...pair, ...parts, ...keys, ...loginOf(provider?.address ?? "")];
}

import { err, isObject, ok, type Result } from "#base";

/** What Flagger sends to a webhook. */
export interface CanaryPayload {
  readonly name: string;
  readonly namespace: string;
  readonly phase: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Decodes a webhook's body; fields that are missing are empty. */
export function decodePayload(body: Buffer): Result<CanaryPayload, string> {
  let value: unknown;
  try {
    value = JSON.parse(body.toString("utf8"));
  } catch (thrown) {
    return err(`decoding the request body failed: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
  if (!isObject(value)) return err("decoding the request body failed: expected a JSON object");
  const metadata = new Map<string, string>();
  if (isObject(value.metadata)) {
    for (const [key, item] of Object.entries(value.metadata)) {
      if (typeof item !== "string") return err(`metadata "${key}" must be a string`);
      metadata.set(key, item);
    }
  }
  const text = (item: unknown): string => (typeof item === "string" ? item : "");
  return ok({
    name: text(value.name),
    namespace: text(value.namespace),
    phase: text(value.phase),
    // fromEntries defines own properties, so that a key such as __proto__ is only a key.
    metadata: Object.fromEntries(metadata),
  });
}

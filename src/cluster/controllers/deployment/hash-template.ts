import type { PodTemplateSpec } from "#api";
import { canonicalJson, deepEqual } from "#base";

export const HASH_LABEL = "pod-template-hash";

/** No vowels and no look-alike digits, so that no hash spells a word. Source: apimachinery `rand.SafeEncodeString`. */
const ALPHABET = "bcdfghjklmnpqrstvwxz2456789";

/**
 * Hashes a pod template into a ReplicaSet's name suffix. The collision count is part of the hash, so raising it gives the
 * same template another name. Source: FNV-1a, 32 bits, as Kubernetes `ComputeHash` uses it, over canonical JSON instead of
 * Go's dump of the struct: the values differ from another cluster's, which nobody compares.
 */
export function hashTemplate(template: PodTemplateSpec, collisionCount: number | undefined): string {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(`${canonicalJson(template)}${collisionCount ?? ""}`)) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return Array.from(String(hash).padStart(10, "0"))
    .map((digit) => ALPHABET[(digit.codePointAt(0) ?? 0) % ALPHABET.length])
    .join("");
}

/** Compares two pod templates without the label that carries the hash. */
export function isSameTemplate(a: PodTemplateSpec, b: PodTemplateSpec): boolean {
  return deepEqual(withoutHash(a), withoutHash(b));
}

function withoutHash(template: PodTemplateSpec): PodTemplateSpec {
  const { [HASH_LABEL]: _, ...labels } = template.metadata?.labels ?? {};
  const { creationTimestamp: __, ...metadata } = template.metadata ?? {};
  return { ...template, metadata: { ...metadata, labels } };
}

import { createHash } from "node:crypto";
import type { PodTemplateSpec } from "#api";
import { canonicalJson } from "#base";

/**
 * Hashes what makes a revision: the whole pod template, not the replicas and not the object's own metadata.
 *
 * The text is canonical, so that it is the same for every order of keys, every version of Serin and every client. The
 * prefix tells it from Flagger's hashes, which have no letter s. Source: flagger-spec 2.4 and appendix A.
 */
export function templateHash(template: PodTemplateSpec): string {
  return `s${digest(canonicalJson(template), 16)}`;
}

/**
 * Names a revision with its configs, in the form of the `flagger-id` annotation. The same revision has the same id, so
 * that promoting it twice (after a crash) does not roll the primary twice.
 */
export function revisionId(hash: string, configs: Readonly<Record<string, string>> | undefined): string {
  const hex = digest(canonicalJson([hash, configs ?? {}]), 32);
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    "-",
  );
}

/** Identifies a revision towards webhooks. Source: flagger-spec 6.2. */
export function revisionChecksum(lastAppliedSpec: string | undefined, configs: unknown): string {
  return digest(canonicalJson([lastAppliedSpec ?? "", configs ?? null]), 16);
}

function digest(text: string, length: number): string {
  return createHash("sha256").update(text).digest("hex").slice(0, length);
}

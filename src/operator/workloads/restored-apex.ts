import { controllerOf, type Service } from "#api";
import { deepEqual, isObject } from "#base";
import { UNMANAGED_ANNOTATIONS } from "../routers/index.ts";
import type { SelectorLabel } from "./selector.ts";

const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

/**
 * The Service that clients use as its owner had it, for a Canary that reverts on its deletion: with the selector that was
 * last applied to it, or else one that leads to the target. Undefined when nothing is to be done: it is so already, or it
 * belongs to a Canary and goes with it. Source: flagger-spec 2.10.
 *
 * The annotations that keep GitOps tools away are taken back too (Flagger leaves them, and the tools stay away).
 */
export function restoredApex(live: Service, label: SelectorLabel): Service | undefined {
  if (controllerOf(live)?.kind === "Canary") return undefined;
  const applied = lastApplied(live);
  const selector = selectorOf(applied) ?? { ...live.spec.selector, [label.key]: label.value };
  const annotations = Object.fromEntries(
    Object.entries(live.metadata.annotations ?? {}).filter(([key]) => !Object.hasOwn(UNMANAGED_ANNOTATIONS, key)),
  );
  const isSame = deepEqual(selector, live.spec.selector) && deepEqual(annotations, live.metadata.annotations ?? {});
  return isSame
    ? undefined
    : { ...live, metadata: { ...live.metadata, annotations }, spec: { ...live.spec, selector } };
}

function lastApplied({ metadata }: Service): unknown {
  try {
    return JSON.parse(metadata.annotations?.[LAST_APPLIED] ?? "null");
  } catch {
    // A text of others; the fallback leads to the target.
    return undefined;
  }
}

function selectorOf(applied: unknown): Record<string, string> | undefined {
  const spec = isObject(applied) && isObject(applied.spec) ? applied.spec : {};
  if (!isObject(spec.selector)) return undefined;
  const entries = Object.entries(spec.selector).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  );
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

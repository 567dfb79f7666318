import type { KubeObject, ObjectMeta } from "#api";
import { isObject } from "#base";
import type { RouterContext } from "./router.ts";
import { UNMANAGED_ANNOTATIONS } from "./services.ts";

/**
 * Routing objects that were there before the Canary: they get no owner, their spec is written down once when it is taken
 * over, and is given back when a Canary with `revertOnDeletion` goes. Source: flagger-spec 4.1.2, 4.1.5.
 */

export const ORIGINAL_ANNOTATION = "flagger.kubernetes.io/original-configuration";
const KUBECTL_ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration";

/** All annotations of an object may have 256 KiB together; a spec beyond this is not written down. */
const MAX_ORIGINAL_LENGTH = 200_000;

/**
 * Metadata of the routing object that clients use. `isOurs` says that the live one has routes of ours already, so that its
 * spec is no original.
 */
export function apexMetadata(context: RouterContext, live: KubeObject | undefined, isOurs: boolean): ObjectMeta {
  const { canary, names, owner } = context;
  const apex = canary.spec.service?.apex;
  return {
    name: names.apexService,
    namespace: names.namespace,
    ...(apex?.labels === undefined ? {} : { labels: apex.labels }),
    annotations: { ...apex?.annotations, ...UNMANAGED_ANNOTATIONS, ...originalOf(live, isOurs) },
    ...(live === undefined || isOwned(context, live) ? { ownerReferences: [owner] } : {}),
  };
}

/** Whether the object goes with the Canary. */
export function isOwned({ owner }: RouterContext, live: KubeObject): boolean {
  return live.metadata.ownerReferences?.some(({ uid }) => uid === owner.uid) === true;
}

/**
 * Once written it stays: apply would take back an annotation that it is not told again, and what is live later is our own
 * spec. What kubectl wrote down is the better original, and is left alone.
 */
function originalOf(live: KubeObject | undefined, isOurs: boolean): Record<string, string> {
  const annotations = live?.metadata.annotations ?? {};
  const present = annotations[ORIGINAL_ANNOTATION];
  if (present !== undefined) return { [ORIGINAL_ANNOTATION]: present };
  if (live?.spec === undefined || isOurs || annotations[KUBECTL_ANNOTATION] !== undefined) return {};
  const text = JSON.stringify(live.spec);
  return text.length > MAX_ORIGINAL_LENGTH ? {} : { [ORIGINAL_ANNOTATION]: text };
}

/** What a provider knows about the specs of its kind. */
export interface SpecRules<S> {
  /** Whether it leads to the two copies, so that it is no original. */
  isOurs(spec: S): boolean;
  /** A spec of ours, leading to the Service that clients use instead of the two copies. */
  plain(spec: S): S;
}

/**
 * The object as it was before the Canary, or undefined when there is nothing to give back: it goes with the Canary, or was
 * never touched.
 *
 * The copies go with the Canary, so a route that still leads to them would lose every request. Where nobody wrote down what
 * was there, or where what was written down is a spec of ours (Flagger overwrites it; 10.4.30), it is led to the apex.
 */
export function restoredObject<T extends KubeObject & { readonly spec: object }>(
  context: RouterContext,
  live: T | undefined,
  rules: SpecRules<T["spec"]>,
): T | undefined {
  if (live === undefined || isOwned(context, live)) return undefined;
  const { [ORIGINAL_ANNOTATION]: original, ...annotations } = live.metadata.annotations ?? {};
  const applied = parse(annotations[KUBECTL_ANNOTATION]);
  const written: readonly unknown[] = [applied?.spec, parse(original)];
  const found = written.find((spec): spec is T["spec"] => isObject(spec) && !rules.isOurs(spec));
  if (found === undefined && !rules.isOurs(live.spec)) return undefined;
  const theirs = isObject(applied?.metadata) ? applied.metadata : {};
  const apex = context.canary.spec.service?.apex;
  const ourAnnotations = { ...apex?.annotations, ...UNMANAGED_ANNOTATIONS };
  return {
    ...live,
    metadata: {
      ...live.metadata,
      annotations: without(annotations, ourAnnotations, theirs.annotations),
      labels: without(live.metadata.labels ?? {}, apex?.labels ?? {}, theirs.labels),
    },
    spec: found ?? rules.plain(live.spec),
  };
}

/** The map without entries of ours that its author did not have as well. */
function without(
  map: Readonly<Record<string, string>>,
  ours: Readonly<Record<string, string>>,
  theirs: unknown,
): Record<string, string> {
  const isTheirs = (key: string): boolean => isObject(theirs) && Object.hasOwn(theirs, key);
  return Object.fromEntries(Object.entries(map).filter(([key, value]) => ours[key] !== value || isTheirs(key)));
}

function parse(text: string | undefined): Readonly<Record<string, unknown>> | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    // Written by somebody else; as good as none.
    return undefined;
  }
}

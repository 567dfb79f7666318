import type { KubeObject } from "#api";
import { isObject } from "#base";

type Texts = Readonly<Record<string, string>>;

/** Labels and annotations. */
interface Metadata {
  readonly labels: Texts;
  readonly annotations: Texts;
}

/** Keys by which others tell their own objects: a twin that carried them would be taken for one of those. */
const OF_OTHERS =
  /(?:^|\.)toolkit\.fluxcd\.io\/|^argocd\.argoproj\.io\/|(?:^|\.)keda\.sh\/|^serin\.dev\/|^objectset\.rio\.cattle\.io\//;

/** Labels that a twin has from its source. KEDA's own label names its object, and it writes it back when it is taken away. */
export function copiedLabels({ metadata: { labels = {} } }: KubeObject): Texts {
  return Object.fromEntries(Object.entries(labels).filter(([key]) => !OF_OTHERS.test(key)));
}

const TRANSFER = "scaledobject.keda.sh/transfer-hpa-ownership";
const EXCLUDED_LABELS = "scaledobject.keda.sh/hpa-excluded-labels";

/**
 * Annotations that a ScaledObject's twin has from its source: those that say something about any HPA that KEDA makes of it.
 * All others are about the source alone: its pause, its floor, what `kubectl apply` and GitOps tools keep there.
 *
 * Ownership of an HPA is taken over by the HPA's name; without one the annotation means nothing. Source: keda-hpa-spec 2.1, 3.1.
 */
export function copiedAnnotations({ metadata: { annotations = {} } }: KubeObject, of: { hasHpaName: boolean }): Texts {
  const keys = of.hasHpaName ? [TRANSFER, EXCLUDED_LABELS] : [EXCLUDED_LABELS];
  return Object.fromEntries(
    keys.flatMap((key) => {
      const value = annotations[key];
      return value === undefined ? [] : [[key, value] as const];
    }),
  );
}

/** On a twin: the keys of its labels and annotations that come from its source, and go when the source drops them. */
const COPIED_ANNOTATION = "serin.dev/copied";

/** The metadata with which a twin is created. */
export function withCopied({ labels, annotations }: Metadata): Metadata {
  const keys = { labels: Object.keys(labels), annotations: Object.keys(annotations) };
  return { labels, annotations: { ...annotations, ...recordOf(keys) } };
}

/** What a merge patch changes: null takes a key away. */
export interface MetadataChange {
  readonly labels: Readonly<Record<string, string | null>>;
  readonly annotations: Readonly<Record<string, string | null>>;
}

/**
 * The change that brings the metadata of a live twin in step with its source. Keys that others put there stay, also those
 * whose value happens to be that of the source: only what was copied goes with it. A twin without a record was made before
 * there were any, and what it has like its source counts as copied.
 */
export function metadataChange({ metadata }: KubeObject, wanted: Metadata): MetadataChange {
  const record = metadata.annotations?.[COPIED_ANNOTATION];
  const copied = record === undefined ? undefined : readRecord(record);
  const labels = followed({ live: metadata.labels, wanted: wanted.labels, copied: copied?.labels });
  const annotations = followed({
    live: metadata.annotations,
    wanted: wanted.annotations,
    copied: copied?.annotations,
  });
  const next = recordOf({ labels: labels.keys, annotations: annotations.keys })[COPIED_ANNOTATION];
  return {
    labels: labels.change,
    annotations: { ...annotations.change, ...(next === record ? {} : { [COPIED_ANNOTATION]: next ?? null }) },
  };
}

interface Keys {
  readonly labels: readonly string[];
  readonly annotations: readonly string[];
}

/** The annotation that names the keys; none without keys. */
function recordOf({ labels, annotations }: Keys): Texts {
  if (labels.length + annotations.length === 0) return {};
  return { [COPIED_ANNOTATION]: JSON.stringify({ labels: labels.toSorted(), annotations: annotations.toSorted() }) };
}

/** Anybody may have written it: only keys that are copied at all can be in it. Undefined for a text that is none. */
function readRecord(text: string): Keys | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!isObject(value)) return undefined;
    return {
      labels: textsIn(value.labels).filter((key) => !OF_OTHERS.test(key)),
      annotations: textsIn(value.annotations).filter((key) => key === TRANSFER || key === EXCLUDED_LABELS),
    };
  } catch {
    return undefined;
  }
}

function textsIn(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one: unknown) => typeof one === "string") : [];
}

function followed({
  live = {},
  wanted,
  copied,
}: {
  readonly live: Texts | undefined;
  readonly wanted: Texts;
  readonly copied: readonly string[] | undefined;
}): { readonly change: Readonly<Record<string, string | null>>; readonly keys: readonly string[] } {
  const changed = Object.entries(wanted).filter(([key, value]) => live[key] !== value);
  const gone = (copied ?? []).filter((key) => wanted[key] === undefined && live[key] !== undefined);
  const change = Object.fromEntries([...changed, ...gone.map((key) => [key, null] as const)]);
  const keys = Object.keys(wanted).filter((key) => copied?.includes(key) !== false || Object.hasOwn(change, key));
  return { change, keys };
}

import type { KubeObject } from "#api";

type Texts = Readonly<Record<string, string>>;

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

import type { Canary, KubeObject, OwnerReference, Resource } from "#api";
import type { Problem } from "#base";
import type { AffinityCookies, RolloutNames, RouteState } from "#rollout";

/** What a router needs to know about a Canary; the same for every provider. */
export interface RouterContext {
  readonly canary: Canary;
  readonly names: RolloutNames;
  readonly owner: OwnerReference;
  readonly settings: RouterSettings;
}

/** What the operator's flags say about routing. */
export interface RouterSettings {
  /** `-ingress-annotations-prefix`, such as `nginx.ingress.kubernetes.io`. */
  readonly ingressAnnotationsPrefix: string;
}

/** What the routes are to be. */
export interface DesiredRoutes {
  /** From 0 to 100; the primary gets the rest. In an A/B test: of the requests that match. */
  readonly canaryWeight: number;
  readonly isMirrored: boolean;
  readonly cookies: AffinityCookies;
}

/** Objects of the Canary's namespace as the operator's local copies have them. */
export interface LiveObjects {
  get<T extends KubeObject>(resource: Resource, name: string): T | undefined;
}

/** One write. `apply` is server-side apply of the fields that are ours; other people's fields stay. */
export type RoutePatch =
  | { readonly kind: "apply"; readonly resource: Resource; readonly object: KubeObject }
  /** The whole object, made from its live version: where apply cannot take a field away. */
  | { readonly kind: "update"; readonly resource: Resource; readonly object: KubeObject }
  | { readonly kind: "delete"; readonly resource: Resource; readonly name: string };

/** What the live objects say. */
export type RouteReading =
  /** No route of ours leads to both copies, or one whose weights do not add up to 100: the next plan writes it. */
  | { readonly kind: "absent" }
  | { readonly kind: "read"; readonly state: RouteState }
  /** The objects are there, and whoever executes them has not taken them, or they cannot be understood. */
  | { readonly kind: "problem"; readonly message: string };

/**
 * One way of shifting traffic: pure plans over live objects; only `perform` sends what they ask for.
 *
 * A further provider is one file that exports a Router, and its name in the list of `index.ts`.
 *
 * What a plan compares are the values of our own fields, in the form that a server keeps them in, so that defaults and
 * other writers cause no write. The local copies do not say who wrote what: a label or annotation that left the Canary
 * leaves its objects with the next write, by apply's ownership.
 */
export interface Router {
  /** Values of `spec.provider` and `-mesh-provider` that mean this router. */
  readonly providers: readonly string[];
  /** Kinds that it reads and writes; each must be served by the cluster before a Canary can use it. May be none. */
  readonly resources: readonly Resource[];
  /** The objects of a Canary, to be woken by their changes. */
  objects(context: RouterContext): readonly { readonly resource: Resource; readonly name: string }[];
  /**
   * What the user must mend before this router can serve the spec, beside what `readSettings` finds. A plan is asked for
   * only when there is nothing: what cannot be expressed would be left out of it.
   */
  problems(context: RouterContext, live: LiveObjects): readonly Problem[];
  /** The writes, in order, after which the live objects are as desired; none when they are. */
  plan(context: RouterContext, desired: DesiredRoutes, live: LiveObjects): readonly RoutePatch[];
  /** Weights and mirroring as the objects have them. */
  read(context: RouterContext, live: LiveObjects): RouteReading;
  /** The writes that give foreign objects back when a Canary with revertOnDeletion goes. Source: flagger-spec 2.10. */
  restore(context: RouterContext, live: LiveObjects): readonly RoutePatch[];
}

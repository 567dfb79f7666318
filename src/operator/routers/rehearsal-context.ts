import type { Canary, CanaryAnalysis, CanaryService, KubeObject } from "#api";
import { namesOf } from "#rollout";
import { canaryWith } from "../rehearsal-objects.ts";
import type { DesiredRoutes, LiveObjects, RoutePatch, RouterContext } from "./router.ts";

/** What routers are given, for tests. */

export interface RouteCase {
  readonly service?: Partial<CanaryService>;
  readonly analysis?: Partial<CanaryAnalysis>;
  readonly spec?: Partial<Canary["spec"]>;
  readonly status?: Canary["status"];
}

/** A Canary `shop/web` whose uid is `1`. */
export function contextOf({ service, analysis, spec, status }: RouteCase): RouterContext {
  const bare = canaryWith({ service: { port: 80, ...service }, ...spec }, analysis);
  const metadata = { name: "web", namespace: "shop", uid: "1" };
  const canary = { ...bare, metadata, ...(status === undefined ? {} : { status }) };
  return {
    canary,
    names: namesOf(canary),
    owner: { apiVersion: "flagger.app/v1beta1", kind: "Canary", name: "web", uid: "1", controller: true },
    settings: { ingressAnnotationsPrefix: "nginx.ingress.kubernetes.io" },
  };
}

export function desiredOf(canaryWeight: number, more: Partial<DesiredRoutes> = {}): DesiredRoutes {
  return { canaryWeight, isMirrored: false, cookies: {}, ...more };
}

export function liveOf(...objects: readonly KubeObject[]): LiveObjects {
  return {
    get<T extends KubeObject>(resource: { kind: string }, name: string): T | undefined {
      return objects.find((object) => object.kind === resource.kind && object.metadata.name === name) as T | undefined;
    },
  };
}

/** The objects of patches, as if they had been created by them. */
export function objectsOf(patches: readonly RoutePatch[]): KubeObject[] {
  return patches.flatMap((patch) => (patch.kind === "delete" ? [] : [patch.object]));
}

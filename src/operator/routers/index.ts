import { istioRouter } from "./istio.ts";
import type { Router } from "./router.ts";

export type { LiveObjects, RoutePatch, RouteReading, Router, RouterContext, RouterSettings } from "./router.ts";
export { newService, repairedService, UNMANAGED_ANNOTATIONS } from "./services.ts";

/** Every way of shifting traffic that is executed. */
export const routers: readonly Router[] = [istioRouter];

/** The router that a value of `spec.provider` or `-mesh-provider` means; undefined for one that is not executed. */
export function routerOf(provider: string): Router | undefined {
  return routers.find((router) => router.providers.includes(provider));
}

import { gatewayApi } from "./gateway-api.ts";
import { istio } from "./istio.ts";
import { kubernetes } from "./kubernetes.ts";
import { nginx } from "./nginx.ts";
import type { Router } from "./router.ts";

export type {
  DesiredRoutes,
  LiveObjects,
  RoutePatch,
  Router,
  RouteReading,
  RouterContext,
  RouterSettings,
} from "./router.ts";
export {
  newService,
  type PodMaker,
  repairedService,
  restoredService,
  type ServicePlan,
  UNMANAGED_ANNOTATIONS,
} from "./services.ts";

/** Every way of shifting traffic; a further one is one file and its name here. */
export const routers: readonly Router[] = [istio, gatewayApi, kubernetes, nginx];

/** The router of a `spec.provider` or `-mesh-provider`; undefined for one that is not known. */
export function routerOf(provider: string): Router | undefined {
  return routers.find(({ providers }) => providers.includes(provider));
}

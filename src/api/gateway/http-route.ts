import type { Condition, KubeObject } from "../meta.ts";

/** HTTPRoute of `gateway.networking.k8s.io/v1`. Source: Gateway API 1.6, `apis/v1/httproute_types.go`. */

export interface ParentReference {
  /** `gateway.networking.k8s.io` when absent. */
  readonly group?: string;
  /** `Gateway` when absent. */
  readonly kind?: string;
  readonly name: string;
  /** The route's own when absent. */
  readonly namespace?: string;
  readonly sectionName?: string;
  readonly port?: number;
}

export interface BackendObjectReference {
  /** The core group when absent. */
  readonly group?: string;
  /** `Service` when absent. */
  readonly kind?: string;
  readonly name: string;
  readonly namespace?: string;
  /** A Service must have it. */
  readonly port?: number;
}

export interface HTTPBackendRef extends BackendObjectReference {
  /** 1 when absent. */
  readonly weight?: number;
  readonly filters?: readonly HTTPRouteFilter[];
}

export interface HTTPPathMatch {
  readonly type?: "Exact" | "PathPrefix" | "RegularExpression";
  readonly value?: string;
}

/** A header or a query parameter. */
export interface GatewayValueMatch {
  readonly type?: "Exact" | "RegularExpression";
  readonly name: string;
  readonly value: string;
}

export interface HTTPRouteMatch {
  /** The prefix `/` when absent. */
  readonly path?: HTTPPathMatch;
  readonly method?: string;
  readonly headers?: readonly GatewayValueMatch[];
  readonly queryParams?: readonly GatewayValueMatch[];
}

export interface HTTPHeader {
  readonly name: string;
  readonly value: string;
}

export interface HTTPHeaderFilter {
  readonly add?: readonly HTTPHeader[];
  readonly set?: readonly HTTPHeader[];
  readonly remove?: readonly string[];
}

export interface HTTPURLRewriteFilter {
  readonly hostname?: string;
  readonly path?:
    | { readonly type: "ReplaceFullPath"; readonly replaceFullPath: string }
    | { readonly type: "ReplacePrefixMatch"; readonly replacePrefixMatch: string };
}

export interface HTTPRequestMirrorFilter {
  readonly backendRef: BackendObjectReference;
  /** Share of the requests that is copied, from 0 to 100; all when absent. */
  readonly percent?: number;
}

export interface HTTPCORSFilter {
  readonly allowOrigins?: readonly string[];
  readonly allowMethods?: readonly string[];
  readonly allowHeaders?: readonly string[];
  readonly exposeHeaders?: readonly string[];
  readonly allowCredentials?: boolean;
  /** In seconds. */
  readonly maxAge?: number;
}

export interface HTTPRouteFilter {
  readonly type: string;
  readonly requestHeaderModifier?: HTTPHeaderFilter;
  readonly responseHeaderModifier?: HTTPHeaderFilter;
  readonly urlRewrite?: HTTPURLRewriteFilter;
  readonly requestMirror?: HTTPRequestMirrorFilter;
  readonly cors?: HTTPCORSFilter;
  readonly extensionRef?: { readonly group: string; readonly kind: string; readonly name: string };
}

export interface HTTPRouteRule {
  readonly name?: string;
  readonly matches?: readonly HTTPRouteMatch[];
  readonly filters?: readonly HTTPRouteFilter[];
  readonly backendRefs?: readonly HTTPBackendRef[];
  /** Durations as GEP-2257 has them: whole numbers of h, m, s and ms. */
  readonly timeouts?: { readonly request?: string; readonly backendRequest?: string };
}

export interface RouteParentStatus {
  readonly parentRef: ParentReference;
  readonly controllerName: string;
  readonly conditions?: readonly Condition[];
}

/** Named apart from the `HTTPRoute` of a VirtualService. */
export interface GatewayHTTPRoute extends KubeObject {
  readonly spec: {
    readonly parentRefs?: readonly ParentReference[];
    readonly hostnames?: readonly string[];
    readonly rules?: readonly HTTPRouteRule[];
  };
  readonly status?: { readonly parents: readonly RouteParentStatus[] };
}

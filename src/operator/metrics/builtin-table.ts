/**
 * What each router's proxies measure, and how a workload's series are told from others.
 *
 * Everything is a fragment of PromQL in the template language. Source: flagger-spec 5.1.
 */
export interface BuiltinRow {
  /** Values of `spec.provider` or `-mesh-provider`. */
  readonly providers: readonly string[];
  /** Whether longer names that begin with one of them count too, such as `gatewayapi:v1` or `appmesh:v1beta2`. */
  readonly takesPrefix?: boolean;
  /** Matchers that select the canary copy; regular expressions unless `isExact`. */
  readonly scope: string;
  /** Names stand in `scope` as they are, not as regular expressions. */
  readonly isExact?: boolean;
  /** Every character of a name that is none of a word is written `_`. */
  readonly writesWords?: boolean;
  /** A counter of requests, and the matcher that leaves out those that failed. */
  readonly requests: { readonly series: string; readonly matchers?: string; readonly succeeded: string };
  /** A histogram's buckets for the 99th percentile, or the sum and count of an average; `factor` makes milliseconds. */
  readonly duration: {
    readonly kind: "quantile" | "average";
    readonly series: string;
    readonly matchers?: string;
    readonly factor?: number;
  };
  /** Two labels that hold namespace and name of the workload alone, so that one query can answer for many. */
  readonly workload?: {
    readonly namespaceLabel: string;
    readonly nameLabel: string;
    readonly matchers?: string;
    /** Which name the label holds. */
    readonly name: "target" | "ingress";
  };
  /** Whether the same matchers with the primary's name select the primary. */
  readonly seesPrimary?: boolean;
  /** What the comparison of both copies reads besides. */
  readonly comparison?: {
    /** The part of `scope` that takes what servers saw, and what takes instead what their clients saw. */
    readonly served: string;
    readonly asked: string;
    /** Each of them alone takes requests that failed although `succeeded` takes them. */
    readonly failed: readonly string[];
  };
}

/** Pods of a Deployment: name, hash of the ReplicaSet, hash of the pod. */
const PODS = 'kubernetes_namespace="{{ namespace }}",kubernetes_pod_name=~"{{ target }}-[0-9a-zA-Z]+(-[0-9a-zA-Z]+)"';

/** Envoy's counters, which several routers leave as they are; durations are in milliseconds. */
const ENVOY = {
  requests: { series: "envoy_cluster_upstream_rq", succeeded: 'envoy_response_code!~"5.*"' },
  duration: { kind: "quantile", series: "envoy_cluster_upstream_rq_time_bucket" },
} as const;

/** Also asked for every provider that has no row. */
export const istioRow: BuiltinRow = {
  providers: ["istio"],
  scope: 'reporter="destination",destination_workload_namespace="{{ namespace }}",destination_workload=~"{{ target }}"',
  requests: { series: "istio_requests_total", succeeded: 'response_code!~"5.*"' },
  duration: { kind: "quantile", series: "istio_request_duration_milliseconds_bucket" },
  workload: {
    namespaceLabel: "destination_workload_namespace",
    nameLabel: "destination_workload",
    matchers: 'reporter="destination"',
    name: "target",
  },
  seesPrimary: true,
  comparison: {
    served: 'reporter="destination"',
    asked: 'reporter="source"',
    // Code 0 is a request that nobody waited for to the end. The flags may come after the head of a response with another code.
    // Source: istio-spec 4.3 and 4.4; statistics 2.9.
    failed: ['response_code="0"', 'response_flags=~"(.*,)?(UF|UH|UC|UR|LR|UPE|UT|UO|SI|DT|UMSDR|NC)(,.*)?"'],
  },
};

const envoyRows: readonly BuiltinRow[] = [
  { ...ENVOY, providers: ["appmesh"], takesPrefix: true, scope: PODS, seesPrimary: true },
  {
    ...ENVOY,
    providers: ["contour"],
    scope: 'envoy_cluster_name=~"{{ namespace }}_{{ service }}-canary_[0-9a-zA-Z-]+"',
  },
  {
    ...ENVOY,
    providers: ["gloo"],
    takesPrefix: true,
    scope: 'envoy_cluster_name=~"{{ namespace }}-{{ target }}-canaryupstream-[0-9a-zA-Z-]+_[0-9a-zA-Z-]+"',
  },
  { ...ENVOY, providers: ["knative"], scope: 'envoy_cluster_name=~"{{ namespace }}/{{ route }}"' },
  { ...ENVOY, providers: ["kuma"], scope: 'service=~"{{ target }}-canary_{{ namespace }}_svc_[0-9a-zA-Z-]+"' },
];

const meshRows: readonly BuiltinRow[] = [
  {
    providers: ["linkerd"],
    scope: 'namespace="{{ namespace }}",deployment=~"{{ target }}",direction="inbound"',
    requests: { series: "response_total", succeeded: 'classification!="failure"' },
    duration: { kind: "quantile", series: "response_latency_ms_bucket" },
    workload: {
      namespaceLabel: "namespace",
      nameLabel: "deployment",
      matchers: 'direction="inbound"',
      name: "target",
    },
    seesPrimary: true,
  },
  {
    providers: ["osm"],
    scope: 'destination_namespace="{{ namespace }}",destination_kind="Deployment",destination_name="{{ target }}"',
    isExact: true,
    requests: { series: "osm_request_total", succeeded: 'response_code!~"5.*"' },
    duration: { kind: "quantile", series: "osm_request_duration_ms_bucket" },
    workload: {
      namespaceLabel: "destination_namespace",
      nameLabel: "destination_name",
      matchers: 'destination_kind="Deployment"',
      name: "target",
    },
    seesPrimary: true,
  },
  {
    providers: ["kubernetes"],
    scope: PODS,
    requests: { series: "http_request_duration_seconds_count", succeeded: 'status!~"5.*"' },
    duration: { kind: "quantile", series: "http_request_duration_seconds_bucket", factor: 1000 },
    seesPrimary: true,
  },
];

const ingressRows: readonly BuiltinRow[] = [
  {
    providers: ["nginx"],
    scope: 'namespace="{{ namespace }}",ingress="{{ ingress }}",canary!=""',
    isExact: true,
    requests: { series: "nginx_ingress_controller_requests", succeeded: 'status!~"5.*"' },
    duration: { kind: "average", series: "nginx_ingress_controller_response_duration_seconds", factor: 1000 },
    workload: { namespaceLabel: "namespace", nameLabel: "ingress", matchers: 'canary!=""', name: "ingress" },
  },
  {
    providers: ["skipper"],
    scope: 'route=~"kube(ew)?_{{ namespace }}__{{ ingress }}_canary__.*__{{ service }}_canary(_[0-9]+)?"',
    writesWords: true,
    requests: { series: "skipper_response_duration_seconds_bucket", matchers: 'le="+Inf"', succeeded: 'code!~"5.."' },
    duration: { kind: "average", series: "skipper_serve_route_duration_seconds", factor: 1000 },
  },
  {
    providers: ["traefik"],
    scope: 'service=~"{{ namespace }}-{{ target }}-canary-[0-9a-zA-Z-]+@kubernetescrd"',
    requests: {
      series: "traefik_service_request_duration_seconds_bucket",
      matchers: 'le="+Inf"',
      succeeded: 'code!~"5.."',
    },
    duration: { kind: "quantile", series: "traefik_service_request_duration_seconds_bucket", factor: 1000 },
  },
  {
    providers: ["apisix"],
    scope: 'route=~"{{ namespace }}_{{ route }}-{{ target }}-canary_.+"',
    requests: { series: "apisix_http_status", succeeded: 'code!~"5.."' },
    duration: { kind: "quantile", series: "apisix_http_latency_bucket", matchers: 'type=~"request"' },
  },
];

const httpRow = meshRows.find(({ providers }) => providers.includes("kubernetes")) ?? istioRow;

/** Every row. The Gateway API has no proxy of its own, so the applications' own histograms are asked. */
export const builtinRows: readonly BuiltinRow[] = [
  istioRow,
  ...envoyRows,
  ...meshRows,
  { ...httpRow, providers: ["gatewayapi"], takesPrefix: true },
  ...ingressRows,
];

import { REQUEST_DURATION, SUCCESS_RATE } from "#rollout";

const SELECTOR =
  'reporter="destination",destination_workload_namespace="{{ namespace }}",destination_workload=~"{{ target }}"';

/** The queries behind the two built-in metrics on Istio, in the template language. Source: flagger-spec 5.1. */
export const istioQueries: Readonly<Record<string, string>> = {
  /** Percent of requests without a 5xx answer. */
  [SUCCESS_RATE]: `
    sum(rate(istio_requests_total{${SELECTOR},response_code!~"5.*"}[{{ interval }}]))
    /
    sum(rate(istio_requests_total{${SELECTOR}}[{{ interval }}]))
    * 100`,
  /** 99th percentile in milliseconds. */
  [REQUEST_DURATION]: `
    histogram_quantile(0.99,
      sum(rate(istio_request_duration_milliseconds_bucket{${SELECTOR}}[{{ interval }}])) by (le))`,
};

/** Source: flagger-spec 5.1. Templates have no default in Flagger and render `[]`; here they get the same. */
export const DEFAULT_METRIC_INTERVAL = "1m";
